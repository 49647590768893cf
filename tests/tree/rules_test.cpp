#include "ft/tree/rules.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "ft/base/error.h"
#include "tree/wildcard.h"

using namespace ft;
using tree::Rules;

namespace {

bool excluded(const std::string& pattern, const std::string& path, bool directory = false) {
    Rules rules;
    rules.exclude(pattern);
    return rules.excludes(path, directory);
}

std::string complaint(const std::string& pattern) {
    Rules rules;
    try {
        rules.exclude(pattern);
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::usage);
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("a wildcard matches within one component, by bytes", "[tree]") {
    struct Case {
        const char* pattern;
        const char* name;
        bool matches;
    };
    for (const Case& c : std::vector<Case>{{"*.pid", "a.pid", true},    {"*.pid", ".pid", true},
                                           {"*.pid", "a.pid2", false},  {"*", ".hidden", true},
                                           {"?", "\xff", true},         {"?", "", false},
                                           {"a?c", "abc", true},        {"a?c", "ac", false},
                                           {"*a*b*", "xxaxxbxx", true}, {"*a*b", "ab-ba", false},
                                           {"**", "abc", true},         {"[a-c]x", "bx", true},
                                           {"[a-c]x", "dx", false},     {"[!a-c]x", "dx", true},
                                           {"[^a-c]x", "ax", false},    {"[]a]", "]", true},
                                           {"[a-]", "-", true},         {"[\\]]", "]", true},
                                           {"\\*", "*", true},          {"\\*", "a", false},
                                           {"a\\", "a\\", true},        {"[\x80-\xff]", "\xc3", true},
                                           {"[z-a]", "m", false},       {"a", "A", false}}) {
        INFO(c.pattern << " and " << c.name);
        CHECK(tree::matches_name(c.pattern, c.name) == c.matches);
    }
}

TEST_CASE("a pattern without a slash looks at the last component at any depth", "[tree]") {
    CHECK(excluded("cache", "cache"));
    CHECK(excluded("cache", "a/b/cache"));
    CHECK_FALSE(excluded("cache", "cache/a"));
    CHECK_FALSE(excluded("cache", "a/cached"));
}

TEST_CASE("a pattern with a slash looks at the whole path", "[tree]") {
    CHECK(excluded("/cache", "cache"));
    CHECK_FALSE(excluded("/cache", "a/cache"));
    CHECK(excluded("a/*.log", "a/x.log"));
    CHECK_FALSE(excluded("a/*.log", "a/b/x.log"));
    CHECK_FALSE(excluded("a/*.log", "b/a/x.log"));
    CHECK_FALSE(excluded("a*c", "a/c"));
}

TEST_CASE("two stars stand for any number of components", "[tree]") {
    CHECK(excluded("a/**/b", "a/b"));
    CHECK(excluded("a/**/b", "a/x/y/b"));
    CHECK_FALSE(excluded("a/**/b", "a/x/y/c"));
    CHECK_FALSE(excluded("a/**/b", "b"));
    CHECK(excluded("**/b", "b"));
    CHECK(excluded("**/b", "a/a/b"));
    CHECK(excluded("a/**", "a/b/c"));
    CHECK_FALSE(excluded("a/**", "a", true));
    CHECK(excluded("**/a/**/b/*", "x/a/y/a/b/b/c"));
    CHECK_FALSE(excluded("**/a/**/b/*", "x/a/y/a/b"));
}

TEST_CASE("a slash at the end means directories only", "[tree]") {
    CHECK(excluded("tmp/", "a/tmp", true));
    CHECK_FALSE(excluded("tmp/", "a/tmp", false));
    CHECK(excluded("/a/tmp/", "a/tmp", true));
}

TEST_CASE("what an excluded directory holds is hidden with it", "[tree]") {
    Rules rules;
    rules.exclude("/a/b/");
    rules.exclude_path(base::RelPath{"etc/hosts"});
    rules.exclude_path(base::RelPath{"etc/fstab"});
    rules.exclude_path(base::RelPath{"etc/hosts"});
    CHECK(rules.hides("a/b/c/d", false));
    CHECK_FALSE(rules.excludes("a/b/c/d", false));
    CHECK_FALSE(rules.hides("a/b", false));
    CHECK(rules.hides("etc/hosts", false));
    CHECK(rules.hides("etc/hosts/x", false));
    CHECK(rules.excludes("etc/fstab", true));
    CHECK_FALSE(rules.hides("etc/hostsx", false));
    CHECK_FALSE(rules.hides("etc", true));
}

TEST_CASE("the root is never excluded", "[tree]") {
    CHECK_FALSE(excluded("*", ".", true));
    CHECK_FALSE(excluded("**", ".", true));
    Rules rules;
    CHECK_THROWS_AS(rules.exclude_path(base::RelPath{}), base::Error);
}

TEST_CASE("a pattern that cannot mean anything is refused with its text", "[tree]") {
    CHECK(complaint("") == "pattern \"\": it is empty");
    CHECK(complaint("/") == "pattern \"/\": it holds an empty component");
    CHECK(complaint("a//b") == "pattern \"a//b\": it holds an empty component");
    CHECK(complaint("../a") == "pattern \"../a\": it holds a component that is . or ..");
    CHECK(complaint("a/./b") == "pattern \"a/./b\": it holds a component that is . or ..");
    CHECK(complaint(std::string{"a\0b", 3}) == "pattern \"a\\x00b\": it holds a NUL byte");
    CHECK(complaint("a/[bc/d]") == "pattern \"a/[bc/d]\": it holds a [ without its ]");
    CHECK(complaint(std::string(4096, 'a')).ends_with("it is longer than 4095 bytes"));
    CHECK(complaint("a/**/[!b]\\[*").empty());
}

TEST_CASE("no pattern makes matching slow", "[tree]") {
    // With a matcher that tries every way through, this would not end before the test's time limit.
    std::string stars;
    std::string components;
    std::string deep = "a";
    for (int i = 0; i < 60; ++i) {
        stars += "*a";
        components += "**/a/";
        deep += "/a";
    }
    CHECK_FALSE(excluded(stars + "b", std::string(255, 'a')));
    CHECK_FALSE(excluded(components + "b", deep + deep + deep));
}
