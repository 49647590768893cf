#include <catch2/catch.hpp>

#include "commit/world.h"

namespace ft::commit {
namespace {

using base::Outcome;

TEST_CASE("a commit without undo store makes every kind of change and leaves nothing behind", "[commit]") {
    World world{all_kinds()};
    Plan plan = world.stage_all();
    plan.keep_undo = false;
    CHECK(world.is_old());
    const Committed result = world.commit(plan);
    INFO(world.shown());
    CHECK(result.reason.empty());
    CHECK(result.outcome == Outcome::committed);
    CHECK(world.is_new());
    CHECK(world.is_clean());
    CHECK(world.swapper.discarded == 1);
}

TEST_CASE("what must follow the decision is told before anything is removed, and again until all is",
          "[commit]") {
    World world{few_objects()};
    const Plan plan = world.stage_all();
    struct NotNow {};
    CHECK_THROWS_AS(commit(world.machine, *world.disk.open("/state"), plan, world.swapper,
                           [&](Outcome outcome, const std::string& run_id) {
                               CHECK(outcome == Outcome::committed);
                               CHECK(run_id == plan.run_id);
                               CHECK(world.is_new());
                               CHECK_FALSE(world.is_kept());
                               throw NotNow{};
                           }),
                    NotNow);
    unsigned told = 0;
    const Recovered recovered = recover(world.machine, *world.disk.open("/state"), world.swapper,
                                        [&](Outcome outcome, const std::string& run_id) {
                                            ++told;
                                            CHECK(outcome == Outcome::committed);
                                            CHECK(run_id == plan.run_id);
                                        });
    CHECK(told == 1);
    CHECK(recovered.outcome == Outcome::committed);
    CHECK(world.is_kept());
}

}  // namespace
}  // namespace ft::commit
