#include "ft/control/channel.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <thread>

#include "support/streams.h"

namespace ft::control {
namespace {

using base::Error;
using base::ErrorKind;

system::Manifest make_manifest() {
    system::Manifest manifest;
    manifest.ft_version = "0.1.0";
    manifest.system_name = "files appliance";
    manifest.host_name = "old";
    manifest.live = false;
    manifest.trees = {{.name = "data", .exclude = {"*.tmp"}}};
    system::DatabaseFacts database;
    database.name = "appliance";
    database.module_directory = "appliance";
    database.server_version = 150020;
    database.dump_version = 150020;
    database.owner = "app";
    database.encoding = "UTF8";
    database.locale_provider = "c";
    database.collate = "C.UTF-8";
    database.ctype = "C.UTF-8";
    database.row_counts = {{"public.files", 7}};
    database.size = 8'000'000;
    database.dump_bytes = 90'000;
    database.dump_files = {{"toc.dat", "00112233445566778899aabbccddeeff"}};
    manifest.databases = {database};
    return manifest;
}

/// One of each kind, with the values at the edges.
std::vector<Message> make_messages() {
    return {Begin{.ft_version = "0.1.0",
                  .run_id = "20260714T221000-1f",
                  .host_name = "new",
                  .again = true,
                  .final_run = true,
                  .keep_rows = {{"app", "settings", "name", {"mail \xff", ""}}}},
            StopTraffic{},
            BackupProgress{.database = "appliance", .bytes_done = 0, .bytes_expected = UINT64_MAX},
            Ready{make_manifest()},
            RunProgress{.phase = "files", .bytes_done = 1, .bytes_wanted = 2},
            Failure{.message = "/data: cannot read: \"quoted\", \xc3\xa4", .cancelled = true},
            Result{.run_id = "r", .outcome = base::Outcome::rolled_back, .message = ""},
            Alive{}};
}

/// What kind of Error decode ends in; nothing: a message.
std::optional<ErrorKind> fault(std::string_view line) {
    try {
        decode(line);
        return std::nullopt;
    } catch (const Error& error) {
        CHECK(std::string{error.what()}.find_first_of("\n\x1b") == std::string::npos);
        return error.kind();
    }
}

TEST_CASE("a begin message is the line of docs/protocol.md", "[control]") {
    CHECK(
        encode(make_messages()[0]) ==
        R"({"again":true,"final_run":true,"format":2,"ft_version":"0.1.0","host_name":"new","keep_rows":[{"database":"app","key":"name","table":"settings","values":["mail \\xff",""]}],"message":"begin","run_id":"20260714T221000-1f"})"
        "\n");
    CHECK(encode(Alive{}) == "{\"message\":\"alive\"}\n");
}

TEST_CASE("every message is read back as it was sent", "[control]") {
    const auto begin = std::get<Begin>(decode(encode(make_messages()[0])));
    CHECK(begin.format == system::kFormatVersion);
    CHECK(begin.ft_version == "0.1.0");
    CHECK(begin.run_id == "20260714T221000-1f");
    CHECK(begin.host_name == "new");
    CHECK(begin.again);
    CHECK(begin.final_run);
    CHECK(begin.keep_rows == std::vector<system::KeptRows>{{"app", "settings", "name", {"mail \xff", ""}}});
    const auto failure = std::get<Failure>(decode(encode(make_messages()[5])));
    CHECK(failure.message == "/data: cannot read: \"quoted\", \xc3\xa4");
    CHECK(failure.cancelled);
    const auto backup = std::get<BackupProgress>(decode(encode(make_messages()[2])));
    CHECK(backup.bytes_expected == UINT64_MAX);
    for (const Message& message : make_messages()) {
        const Message back = decode(encode(message));
        CHECK(back.index() == message.index());
        CHECK(encode(back) == encode(message));
    }
    for (const auto outcome : {base::Outcome::unchanged, base::Outcome::committed, base::Outcome::rolled_back,
                               base::Outcome::recovery_needed}) {
        CHECK(std::get<Result>(decode(encode(Result{"r", outcome, "m"}))).outcome == outcome);
    }
}

TEST_CASE("texts are escaped once, however often they are passed on", "[control]") {
    const std::string raw = "a\x1b[2J \xff \\ \xe2\x80\xae";
    const std::string escaped = R"(a\x1b[2J \xff \x5c \xe2\x80\xae)";
    const auto first = std::get<Failure>(decode(encode(Failure{raw, false})));
    CHECK(first.message == escaped);
    CHECK(std::get<Failure>(decode(encode(first))).message == escaped);
    // A peer that does not escape is escaped here.
    CHECK(
        std::get<Failure>(decode(R"({"message":"failure","text":"\u001b[2J","cancelled":false})")).message ==
        R"(\x1b[2J)");
}

TEST_CASE("a long text is cut between characters and still read", "[control]") {
    std::string text(4095, 'x');
    text += "\xc3\xa4\xc3\xa4";
    CHECK(std::get<Failure>(decode(encode(Failure{text, false}))).message == std::string(4095, 'x'));
}

TEST_CASE("every truncation of a message is an error", "[control]") {
    for (const Message& message : make_messages()) {
        const std::string line = encode(message);
        for (std::size_t length = 0; length + 1 < line.size(); ++length) {
            INFO(line.substr(0, length));
            CHECK(fault(line.substr(0, length)) == ErrorKind::peer);
        }
    }
}

TEST_CASE("every flipped bit of a message ends in an error or in a message", "[control]") {
    for (const Message& message : make_messages()) {
        const std::string line = encode(message);
        for (std::size_t at = 0; at < line.size(); ++at) {
            for (int bit = 0; bit < 8; ++bit) {
                std::string damaged = line;
                damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
                const auto kind = fault(damaged);
                INFO(damaged);
                CHECK((!kind || *kind == ErrorKind::peer ||
                       *kind == ErrorKind::unfit));  // unfit: a manifest of another format
            }
        }
    }
}

TEST_CASE("what is no message of ours is a peer error", "[control]") {
    const std::string line = GENERATE(
        "", "null", "[]", "7", "\"begin\"", "{}", R"({"message":7})", R"({"message":"reboot"})",
        R"({"message":"alive","more":1})", R"({"message":"alive","message":"alive"})",
        R"({"message":"alive"} {"message":"alive"})", R"({"message":"failure","text":"x"})",
        R"({"message":"failure","text":"x","cancelled":0})",
        R"({"message":"failure","text":["x"],"cancelled":true})",
        R"({"message":"result","run_id":"r","outcome":"perfect","text":""})",
        R"({"message":"run_progress","phase":"p","bytes_done":-1,"bytes_wanted":0})",
        R"({"message":"run_progress","phase":"p","bytes_done":1.0,"bytes_wanted":0})",
        R"({"message":"run_progress","phase":"p","bytes_done":18446744073709551616,"bytes_wanted":0})",
        R"({"message":"run_progress","phase":"p","bytes_done":"1","bytes_wanted":0})",
        R"({"message":"begin","format":2,"ft_version":"9","run_id":"r","host_name":"h","again":false,"final_run":0,"keep_rows":[]})",
        R"({"message":"begin","format":2,"ft_version":"9","run_id":"r","host_name":"h","again":false,"final_run":true,"keep_rows":[{}]})",
        R"({"message":"begin","format":2,"ft_version":"9","run_id":"r","host_name":"h","again":false,"final_run":true,"keep_rows":[{"database":"a","table":"b","key":"\\","values":[]}]})",
        R"({"message":"ready","manifest":{}})", R"({"message":"ready"})", "{\"message\":\"\xff\"}");
    INFO(line);
    CHECK(fault(line) == ErrorKind::peer);
    CHECK(fault(R"({"message":"failure","cancelled":true,"text":")" + std::string(4097, 'x') + "\"}") ==
          ErrorKind::peer);
}

TEST_CASE("another format's begin tells its versions, whatever else it holds", "[control]") {
    const auto begin =
        std::get<Begin>(decode(R"({"message":"begin","format":3,"ft_version":"9.0","colour":"red"})"));
    CHECK(begin.format == 3);
    CHECK(begin.ft_version == "9.0");
    CHECK(fault(R"({"message":"begin","format":2147483648,"ft_version":"9.0"})") == ErrorKind::peer);
    CHECK(
        fault(
            R"({"message":"begin","format":2,"ft_version":"9.0","run_id":"r","host_name":"h","again":false,"final_run":false,"keep_rows":[],"x":1})") ==
        ErrorKind::peer);
}

TEST_CASE("depth, values and names are bounded before they are used", "[control]") {
    const auto nested = [](std::size_t levels) {
        return R"({"message":"alive","x":)" + std::string(levels, '[') + std::string(levels, ']') + "}";
    };
    CHECK_THROWS_WITH(decode(nested(63)), "control channel: unknown field \"x\"");
    CHECK_THROWS_WITH(decode(nested(64)), "control channel: more than 64 levels");
    CHECK_THROWS_WITH(decode(nested(1'000'000)), "control channel: more than 64 levels");
    std::string many = R"({"message":"alive","x":[0)";
    for (int i = 0; i < 1'000'000; ++i) many += ",0";
    CHECK_THROWS_WITH(decode(many + "]}"), "control channel: more than 1000000 values");
}

TEST_CASE("a channel reads what the other sent, in any fragmentation", "[control]") {
    auto [one, other] = test::make_pipe({.piece = GENERATE(1u, 7u, 65536u)});
    Channel sender{*one};
    Channel receiver{*other};
    std::thread sending{[&] {
        for (const Message& message : make_messages()) sender.send(message);
        one->shut_down();
    }};
    std::vector<std::string> received;
    while (const auto message = receiver.receive()) received.push_back(encode(*message));
    sending.join();
    std::vector<std::string> sent;
    for (const Message& message : make_messages()) sent.push_back(encode(message));
    CHECK(received == sent);
}

TEST_CASE("a stream that ends within a line is a peer error, after one an orderly end", "[control]") {
    auto [one, other] = test::make_pipe();
    one->write(base::as_bytes(encode(Alive{}) + "{\"message\":"));
    one->shut_down();
    Channel receiver{*other};
    CHECK(std::holds_alternative<Alive>(receiver.receive().value()));
    CHECK_THROWS_WITH(receiver.receive(), "control channel: it ends within a line");
}

TEST_CASE("a line without end is given up at 16 MiB", "[control]") {
    auto [one, other] = test::make_pipe();
    std::thread sending{[&stream = *one] {
        const std::string some(65536, ' ');
        try {
            for (;;) stream.write(base::as_bytes(some));
        } catch (const Error&) {
        }
    }};
    Channel receiver{*other};
    CHECK_THROWS_WITH(receiver.receive(), "control channel: a line above 16 MiB");
    other->shut_down();
    sending.join();
}

}  // namespace
}  // namespace ft::control

TEST_CASE("the seeds of the fuzz target are messages, of each kind one", "[control]") {
    std::set<std::string> kinds;
    for (const auto& seed :
         std::filesystem::directory_iterator{std::string{FT_TEST_DATA} + "/../fuzz/seeds/control"}) {
        INFO(seed.path());
        std::ifstream file{seed.path()};
        std::string line;
        std::getline(file, line);
        CHECK_NOTHROW(static_cast<void>(ft::control::decode(line)));
        kinds.insert(seed.path().filename());
    }
    CHECK(kinds == std::set<std::string>{"alive", "backup_progress", "begin", "failure", "ready", "result",
                                         "run_progress", "stop_traffic"});
}
