#include <catch2/catch.hpp>

#include "commit/world.h"

namespace ft::commit {
namespace {

using base::Outcome;

TEST_CASE("a commit makes every kind of change and leaves nothing behind", "[commit]") {
    World world{all_kinds()};
    const Plan plan = world.stage_all();
    CHECK(world.is_old());
    const Committed result = world.commit(plan);
    INFO(world.shown());
    CHECK(result.reason.empty());
    CHECK(result.outcome == Outcome::committed);
    CHECK(world.is_new());
    CHECK(world.is_clean());
    CHECK(world.swapper.discarded == 1);
}

}  // namespace
}  // namespace ft::commit
