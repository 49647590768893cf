#include "ft/base/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace ft::base;

namespace {

/// A directory of its own for a test, removed with it.
struct Place {
    std::string path = "/tmp/ft-log-XXXXXX";
    Place() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
    ~Place() {
        close_log();
        std::filesystem::remove_all(path);
    }
};

std::string content(const std::string& path) {
    std::ifstream in{path};
    return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

TEST_CASE("a log gets a line a message, is appended to, and is for its owner only", "[base]") {
    const Place place;
    const std::string path = place.path + "/log";
    open_log(path);
    log_info("copied {} files", 3);
    open_log(path);
    log_warning("slow");
    close_log();
    log_info("nobody listens");
    const std::string text = content(path);
    CHECK_THAT(text, Catch::Contains(" info copied 3 files\n") && Catch::EndsWith(" warning slow\n"));
    CHECK(std::count(text.begin(), text.end(), '\n') == 2);
    CHECK(std::filesystem::status(path).permissions() == std::filesystem::perms{0600});
}

TEST_CASE("a log is never written through a link", "[base]") {
    const Place place;
    const std::string target = place.path + "/target";
    std::ofstream{target} << "precious";
    std::filesystem::create_symlink(target, place.path + "/log");
    open_log(place.path + "/log");
    log_info("not here");
    CHECK(content(target) == "precious");
}

TEST_CASE("a log that cannot be opened or written changes nothing", "[base]") {
    open_log("/nonexistent/log");
    CHECK_NOTHROW(log_info("lost"));
    open_log("/dev/full");
    CHECK_NOTHROW(log_info("lost too"));
    close_log();
}
