#include "ft/fetch/changed_here.h"

#include <catch2/catch.hpp>

namespace ft::fetch {

TEST_CASE("changes of a database are differences of counters, where these can be trusted", "[fetch]") {
    const database::Activity then{7, true, "", {{"a", {10, 0, 0}}, {"b", {5, 5, 5}}, {"c", {1, 0, 0}}}};
    database::Activity now = then;
    CHECK(changes_between(then, now) == DatabaseChanges{});
    now.tables["a"] = {12, 1, 0};
    now.tables["new"] = {3, 0, 1};
    now.tables["empty"] = {};
    now.tables.erase("c");
    CHECK(changes_between(then, now) == DatabaseChanges{"", {{"a", {2, 1, 0}}, {"new", {3, 0, 1}}}, {"c"}});

    now.tables["b"] = {5, 5, 4};
    CHECK(changes_between(then, now).unknown == "the server's counters were reset");
    now = then;
    now.reset = "2026-01-01";
    CHECK(changes_between(then, now).unknown == "the server's counters were reset");
    now = then;
    now.oid = 8;
    CHECK(changes_between(then, now).unknown == "the database was replaced");
    now = then;
    now.counts = false;
    CHECK(changes_between(then, now).unknown == "the server does not count (track_counts)");
    CHECK(changes_between(then, std::nullopt).unknown == "the database is not there any more");
}

}  // namespace ft::fetch
