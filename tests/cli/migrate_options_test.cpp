#include "cli/migrate_options.h"

#include <catch2/catch.hpp>

#include "ft/base/error.h"

using namespace ft;

TEST_CASE("the source's options are understood", "[cli]") {
    const cli::Request request =
        cli::parse({"migrate", "--source", "--system", "/a/s.json", "--root", "/r", "--listen", "::1",
                    "--port", "8730", "--stop-traffic", "--code-file", "/c", "--allow-plain", "admin",
                    "--plain-secret-file", "/p", "--json"});
    const auto& source = std::get<migrate::SourceOptions>(request.command);
    CHECK(source.system_file == "/a/s.json");
    CHECK(source.root == "/r");
    CHECK(source.listen == "::1");
    CHECK(source.port == 8730);
    CHECK(source.stop_traffic == true);
    CHECK(source.code_file == "/c");
    CHECK(source.plain_user == "admin");
    CHECK(source.plain_secret_file == "/p");
    CHECK(request.json);
}

TEST_CASE("the source's defaults are those of the manual", "[cli]") {
    const auto source = std::get<migrate::SourceOptions>(cli::parse({"migrate", "--source"}).command);
    CHECK(source.system_file == "/etc/ft/system.json");
    CHECK(source.root == "/");
    CHECK(source.listen.empty());
    CHECK(source.port == 873);
    CHECK(!source.stop_traffic);
    CHECK(!source.allow_final);
}

TEST_CASE("the destination's options are understood", "[cli]") {
    const cli::Request request =
        cli::parse({"migrate", "--destination", "[fd77::1]:9", "--yes", "--code-file", "/c"});
    const auto& target = std::get<migrate::DestinationOptions>(request.command);
    CHECK(target.address == "[fd77::1]:9");
    CHECK(target.yes);
    CHECK(target.code_file == "/c");
}

TEST_CASE("how long a lost connection is tried to be made again is a time", "[cli]") {
    const auto retry_for = [](std::vector<std::string> more) {
        std::vector<std::string> arguments{"migrate", "--destination", "old"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return std::get<migrate::DestinationOptions>(cli::parse(arguments).command).retry_for.count();
    };
    CHECK(retry_for({}) == 600);
    CHECK(retry_for({"--retry-for", "0"}) == 0);
    CHECK(retry_for({"--retry-for", "45"}) == 45);
    CHECK(retry_for({"--retry-for", "90s"}) == 90);
    CHECK(retry_for({"--retry-for", "10m"}) == 600);
    CHECK(retry_for({"--retry-for", "168h"}) == 604'800);
    for (const char* wrong : {"", "m", "-1", "1d", "10 m", "1.5h", "169h", "4294967296", "10mm"}) {
        INFO(wrong);
        CHECK_THROWS_AS(retry_for({"--retry-for", wrong}), base::Error);
    }
    CHECK_THROWS_AS(cli::parse({"migrate", "--source", "--retry-for", "1m"}), base::Error);
}

TEST_CASE("start-services is understood", "[cli]") {
    const cli::Request request =
        cli::parse({"start-services", "--system", "/a/s.json", "--root", "/r", "--json"});
    const auto& services = std::get<migrate::ServicesOptions>(request.command);
    CHECK(services.system_file == "/a/s.json");
    CHECK(services.root == "/r");
    CHECK(request.json);
    const auto plain = std::get<migrate::ServicesOptions>(cli::parse({"start-services"}).command);
    CHECK(plain.system_file == "/etc/ft/system.json");
    CHECK(cli::parse({"start-services", "--help"}).text.find("ft start-services") != std::string::npos);
}

TEST_CASE("relative paths are meant from where the admin stands", "[cli]") {
    const auto source = std::get<migrate::SourceOptions>(
        cli::parse({"migrate", "--source", "--system", "x/../s.json"}).command);
    CHECK(source.system_file.front() == '/');
    CHECK(source.system_file.ends_with("/s.json"));
    CHECK(source.system_file.find("..") == std::string::npos);
}

TEST_CASE("what is no complete command is a usage error", "[cli]") {
    const auto arguments = GENERATE(values<std::vector<std::string>>({
        {},
        {"fly"},
        {"migrate"},
        {"migrate", "--source", "--destination", "x"},
        {"migrate", "--source", "--keep-traffic", "--stop-traffic"},
        {"migrate", "--source", "--port", "0x"},
        {"migrate", "--source", "--port", "70000"},
        {"migrate", "--source", "--yes"},
        {"migrate", "--source", "--allow-plain", "admin"},
        {"migrate", "--destination"},
        {"migrate", "--destination", "x", "--port", "9"},
        {"migrate", "--destination", "x", "stray"},
        {"start-services", "stray"},
        {"start-services", "--yes"},
        {"start-services", "migrate", "--source"},
    }));
    try {
        cli::parse(arguments);
        FAIL("accepted");
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::usage);
        CHECK(std::string{error.what()}.find('\n') == std::string::npos);
    }
}

TEST_CASE("compression and a rate are what was written", "[cli]") {
    const auto parsed = [](std::vector<std::string> more) {
        more.insert(more.begin(), {"migrate", "--destination", "old"});
        return std::get<migrate::DestinationOptions>(cli::parse(more).command);
    };
    CHECK(parsed({}).compress == migrate::Compress::automatic);
    CHECK(parsed({"--compress", "auto"}).compress == migrate::Compress::automatic);
    CHECK(parsed({"--compress", "zstd"}).compress == migrate::Compress::zstd);
    CHECK(parsed({"--compress", "none"}).compress == migrate::Compress::none);
    for (const char* wrong : {"", "0", "1", "lz4", "zstdx"}) {
        INFO(wrong);
        CHECK_THROWS_AS(parsed({"--compress", wrong}), base::Error);
    }
    CHECK(parsed({}).rate == 0);
    CHECK_FALSE(parsed({}).verify_content);
    CHECK_FALSE(parsed({"--verify", "quick"}).verify_content);
    CHECK(parsed({"--verify=full"}).verify_content);
    CHECK_THROWS_AS(parsed({"--verify", "all"}), base::Error);
    CHECK(parsed({"--bwlimit", "1K"}).rate == 1000);
    CHECK(parsed({"--bwlimit", "10M"}).rate == 10'000'000);
    CHECK(parsed({"--bwlimit", "1000G"}).rate == 1'000'000'000'000);
    for (const char* wrong : {"", "0K", "1001G", "-1M", "10", "10m", "1.5M", "4294967296K", "M"}) {
        INFO(wrong);
        CHECK_THROWS_AS(parsed({"--bwlimit", wrong}), base::Error);
    }
}
