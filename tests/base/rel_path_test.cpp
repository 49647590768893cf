#include "ft/base/rel_path.h"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "ft/base/error.h"

using namespace ft::base;
using namespace std::string_view_literals;

TEST_CASE("a path with a fault is no RelPath, and the message escapes it", "[base]") {
    const std::string_view paths[] = {"",
                                      "/",
                                      "/etc",
                                      "a/",
                                      "a//b",
                                      "..",
                                      "../a",
                                      "a/..",
                                      "a/./b",
                                      "./a",
                                      "a/../b",
                                      "a\0b"sv,
                                      "\0"sv,
                                      "a/b/.",
                                      "."
                                      "."};
    for (const std::string_view path : paths) {
        INFO(path);
        CHECK_FALSE(RelPath::fault(path).empty());
        CHECK_THROWS_AS(RelPath{path}, Error);
    }
    CHECK_THROWS_WITH(RelPath{"a\n//b"}, "a\\x0a//b: a path with an empty component");
}

TEST_CASE("the limits of a path are 255 bytes a component and 4095 in all", "[base]") {
    const std::string longest_name(255, 'n');
    CHECK(RelPath{longest_name}.bytes() == longest_name);
    CHECK_THROWS_AS(RelPath{longest_name + "n"}, Error);
    std::string longest;
    while (longest.size() < 4094) longest += "a/";
    longest += "a";
    REQUIRE(longest.size() == 4095);
    CHECK(RelPath{longest}.depth() == 2048);
    CHECK_THROWS_AS(RelPath{longest.substr(0, 4094) + "aa"}, Error);
}

TEST_CASE("names that only look special are paths", "[base]") {
    for (const std::string_view path : {"...", ".hidden", "a/..b", " ", "-rf", "a\nb", "\xff", "a/b\\c"}) {
        INFO(path);
        CHECK(RelPath{path}.bytes() == path);
    }
}

TEST_CASE("a path knows its name, its parent and its depth", "[base]") {
    const RelPath path{"a/b/c"};
    CHECK(path.name() == "c");
    CHECK(path.parent() == RelPath{"a/b"});
    CHECK(path.parent().parent().parent() == RelPath{});
    CHECK(RelPath{}.parent() == RelPath{});
    CHECK(RelPath{}.name() == ".");
    CHECK(path.depth() == 3);
    CHECK(RelPath{}.depth() == 0);
    CHECK(RelPath{"a\x1b"}.escaped() == "a\\x1b");
}

TEST_CASE("a path grows by one component only", "[base]") {
    CHECK(RelPath{} / "a" == RelPath{"a"});
    CHECK(RelPath{"a"} / "b" == RelPath{"a/b"});
    for (const std::string_view name : {"", ".", "..", "b/c", "/"}) {
        INFO(name);
        CHECK_THROWS_AS(RelPath{} / name, Error);
        CHECK_THROWS_AS(RelPath{"a"} / name, Error);
    }
}

TEST_CASE("a path holds itself and what is below it, not what begins alike", "[base]") {
    CHECK(RelPath{"a"}.holds(RelPath{"a"}));
    CHECK(RelPath{"a"}.holds(RelPath{"a/b"}));
    CHECK_FALSE(RelPath{"a"}.holds(RelPath{"ab"}));
    CHECK_FALSE(RelPath{"a/b"}.holds(RelPath{"a"}));
    CHECK(RelPath{}.holds(RelPath{"a"}));
    CHECK_FALSE(RelPath{"a"}.holds(RelPath{}));
}
