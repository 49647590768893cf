#include <catch2/catch.hpp>

#include "commit/world.h"

namespace ft::commit {
namespace {

using base::Outcome;
using test::Seed;

/// Seeds 0 and 1 lose and keep all; each further one is another choice at each step.
Seed seed_of(std::uint64_t number, std::uint64_t step) {
    return Seed{number < 2 ? number : number + 10 * step};
}

/// After a recovery: old or new, as it says itself, with nothing left to do, and nothing left behind.
void require_old_or_new(World& world, const Recovered& recovered) {
    INFO(world.shown());
    switch (recovered.outcome) {
        case Outcome::committed:
            REQUIRE(world.is_new());
            break;
        case Outcome::rolled_back:
            REQUIRE(world.is_old());
            break;
        default:  // the journal may have been removed after all else was done
            REQUIRE((world.is_old() || (world.is_new() && world.is_kept())));
    }
    REQUIRE(recovered.run_id == (recovered.outcome == Outcome::unchanged ? "" : "run-1"));
    REQUIRE_FALSE(is_mixture(*world.disk.open("/state")));
    if (recovered.outcome == Outcome::committed) REQUIRE(world.is_kept());
    if (recovered.outcome == Outcome::rolled_back) REQUIRE(world.is_staged());
}

/// The run after: it succeeds whatever happened before.
void require_next_run(World& world) {
    if (world.is_old()) REQUIRE(world.commit(world.stage_all()).outcome == Outcome::committed);
    INFO(world.shown());
    REQUIRE(world.is_new());
    REQUIRE(world.is_kept());
}

void lose_power_in_a_commit(const std::vector<TreePair>& trees, std::uint64_t number) {
    bool seen_old = false;
    bool seen_new = false;
    for (std::uint64_t step = 1;; ++step) {
        INFO("power lost at operation " << step << ", seed " << number);
        World world{trees};
        const Plan plan = world.stage_all();
        const bool finished = world.disk.run_until_power_loss(step, [&] { world.commit(plan); });
        world.disk.lose_power();
        world.disk.restart(seed_of(number, step));
        require_old_or_new(world, world.recover());
        (world.is_new() ? seen_new : seen_old) = true;
        require_next_run(world);
        if (finished) break;
    }
    CHECK(seen_old);
    CHECK(seen_new);
}

TEST_CASE("power loss at any step leaves the old trees and databases or the new ones", "[commit]") {
    lose_power_in_a_commit(all_kinds(), GENERATE(0, 1, 2, 3, 4, 5));
}

TEST_CASE("power loss leaves old or new also where a tree has nothing to change", "[commit]") {
    std::vector<TreePair> trees = few_objects();
    trees.push_back({"/quiet", trees[1].old_tree, trees[1].old_tree});
    lose_power_in_a_commit(trees, GENERATE(0, 1, 2));
}

TEST_CASE("power loss in a roll back leaves the old trees and databases", "[commit]") {
    const std::uint64_t number = GENERATE(0, 1, 2, 3);
    for (std::uint64_t step = 1;; ++step) {
        INFO("power lost at operation " << step << ", seed " << number);
        World world{all_kinds()};
        const Plan plan = world.stage_all();
        world.disk.fail(6, "exchange", EPERM);
        Committed result;
        const bool finished = world.disk.run_until_power_loss(step, [&] { result = world.commit(plan); });
        world.disk.lose_power();
        world.disk.restart(seed_of(number, step));
        // Before ROLLBACK was recorded the recovery may as well go forward: nothing fails any more.
        require_old_or_new(world, world.recover());
        if (finished) {
            REQUIRE(result.outcome == Outcome::rolled_back);
            REQUIRE(world.is_old());
        }
        require_next_run(world);
        if (finished) break;
    }
}

TEST_CASE("power loss in a recovery, and in the recovery of that, changes nothing about it", "[commit]") {
    const std::uint64_t number = GENERATE(0, 2);
    bool first_finished = false;
    for (std::uint64_t first = 1; !first_finished; ++first) {
        bool second_finished = false;
        for (std::uint64_t second = 1; !second_finished; ++second) {
            INFO("power lost at operation " << first << ", then " << second << ", seed " << number);
            World world{few_objects()};
            const Plan plan = world.stage_all();
            first_finished = world.disk.run_until_power_loss(first, [&] { world.commit(plan); });
            world.disk.lose_power();
            world.disk.restart(seed_of(number, first));
            second_finished = world.disk.run_until_power_loss(second, [&] { world.recover(); });
            world.disk.lose_power();
            world.disk.restart(seed_of(number, second));
            world.disk.run_until_power_loss(1 + (first + second) % 40, [&] { world.recover(); });
            world.disk.lose_power();
            world.disk.restart(seed_of(number, first + second));
            require_old_or_new(world, world.recover());
        }
    }
}

TEST_CASE("a process that is killed at any step leaves the old or the new, and no more slots", "[commit]") {
    for (std::uint64_t step = 1;; ++step) {
        INFO("killed at operation " << step);
        World world{all_kinds()};
        const Plan plan = world.stage_all();
        const bool finished = world.disk.run_until_power_loss(step, [&] { world.commit(plan); });
        world.disk.restart(Seed{1});
        const bool waits = is_mixture(*world.disk.open("/state"));
        const Recovered recovered = world.recover();
        require_old_or_new(world, recovered);
        if (waits) REQUIRE(recovered.outcome == Outcome::committed);
        if (finished) break;
    }
}

}  // namespace
}  // namespace ft::commit
