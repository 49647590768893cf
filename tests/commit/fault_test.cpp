#include <catch2/catch.hpp>

#include "commit/world.h"

namespace ft::commit {
namespace {

using base::ErrorKind;
using base::Outcome;

constexpr std::uint64_t kSyncs = 20;  // more than a commit has

struct Ended {
    std::optional<Outcome> outcome;  ///< nothing: an error
    ErrorKind error = ErrorKind::internal;
    std::string text;
};

Ended end_of(const std::function<Outcome()>& action) {
    try {
        return {action(), {}, {}};
    } catch (const base::Error& error) {
        return {std::nullopt, error.kind(), error.what()};
    }
}

void require_next_start_succeeds(World& world) {
    world.recover();
    INFO(world.shown());
    REQUIRE((world.is_old() || world.is_new()));
    if (world.is_old()) REQUIRE(world.commit(world.stage_all()).outcome == Outcome::committed);
    REQUIRE(world.is_new());
    REQUIRE(world.is_kept());
}

TEST_CASE("an operation that fails once, whichever, ends the commit old or new as it says", "[commit]") {
    const int code = GENERATE(EIO, ENOSPC, EPERM);
    for (std::uint64_t step = 1;; ++step) {
        INFO("operation " << step << " fails with errno " << code);
        World world{all_kinds()};
        const Plan plan = world.stage_all();
        const std::uint64_t before = world.disk.operations();
        world.disk.fail(step, "", code);
        const Ended ended = end_of([&] { return world.commit(plan).outcome; });
        const bool finished = world.disk.operations() - before < step;
        INFO(ended.text);
        if (ended.outcome == Outcome::committed) {
            REQUIRE(world.swapper.state() != FileSwapper::state(1, 2, 0));
            REQUIRE_FALSE(is_mixture(*world.disk.open("/state")));
        } else if (ended.outcome) {
            REQUIRE(world.is_old());
            REQUIRE_FALSE(is_mixture(*world.disk.open("/state")));
        } else if (ended.error != ErrorKind::recovery) {
            REQUIRE(world.is_old());
            REQUIRE_FALSE(is_mixture(*world.disk.open("/state")));
        }
        require_next_start_succeeds(world);
        if (finished) break;
    }
}

TEST_CASE("an operation that fails once in a recovery leaves the next one to finish", "[commit]") {
    const std::uint64_t killed_at = GENERATE(20, 35, 45);
    for (std::uint64_t step = 1;; ++step) {
        INFO("killed at " << killed_at << ", then operation " << step << " fails");
        World world{all_kinds()};
        const Plan plan = world.stage_all();
        REQUIRE_FALSE(world.disk.run_until_power_loss(killed_at, [&] { world.commit(plan); }));
        world.disk.restart(test::Seed{1});
        const std::uint64_t before = world.disk.operations();
        world.disk.fail(step, "", EIO);
        const Ended ended = end_of([&] { return world.recover().outcome; });
        const bool finished = world.disk.operations() - before < step;
        INFO(ended.text);
        if (!ended.outcome) REQUIRE(ended.error == ErrorKind::recovery);
        require_next_start_succeeds(world);
        if (finished) break;
    }
}

TEST_CASE(
    "a disk that refuses every change after COMMIT is a case for a person, and heals when it is repaired",
    "[commit]") {
    World world{all_kinds()};
    const Plan plan = world.stage_all();
    world.disk.fail(30, "", EROFS, true);
    const Ended ended = end_of([&] { return world.commit(plan).outcome; });
    CHECK_FALSE(ended.outcome);
    CHECK(ended.error == ErrorKind::recovery);
    CHECK(is_mixture(*world.disk.open("/state")));
    CHECK(end_of([&] { return world.recover().outcome; }).error == ErrorKind::recovery);
    world.disk.restart(test::Seed{1});
    CHECK(world.recover().outcome == Outcome::committed);
    CHECK(world.is_new());
    CHECK(world.is_kept());
}

TEST_CASE("a refused swap leaves trees untouched", "[commit]") {
    World world{all_kinds()};
    const Plan plan = world.stage_all();
    world.swapper.refuse = true;
    const Committed result = world.commit(plan);
    CHECK(result.outcome == Outcome::rolled_back);
    CHECK(result.reason == "appliance: has other sessions");
    CHECK(world.is_old());
    CHECK(world.is_staged());
}

TEST_CASE("a commit waits for a database server that is not there", "[commit]") {
    World world{all_kinds()};
    const Plan plan = world.stage_all();
    world.swapper.gone = true;
    CHECK(end_of([&] { return world.commit(plan).outcome; }).error == ErrorKind::recovery);
    CHECK(end_of([&] { return world.recover().outcome; }).error == ErrorKind::recovery);
    CHECK(world.is_old());
    world.swapper.gone = false;
    CHECK(world.recover().outcome == Outcome::committed);
    CHECK(world.is_new());
    CHECK(world.is_kept());
}

TEST_CASE("a kernel that refuses the host name rolls back before anything is touched", "[commit]") {
    World world{all_kinds()};
    const Plan plan = world.stage_all();
    world.machine.refuse = true;
    const Committed result = world.commit(plan);
    CHECK(result.outcome == Outcome::rolled_back);
    CHECK(result.reason == "cannot set the host name");
    CHECK(world.is_old());
    CHECK(world.is_staged());
}

TEST_CASE("a name that the machine got meanwhile is not taken back", "[commit]") {
    World world{all_kinds()};
    const Plan plan = world.stage_all();
    world.disk.fail(6, "exchange", EPERM);  // in a tree
    SECTION("but the run's is") {}
    SECTION("somebody else's") { world.machine.after_naming = "third.example"; }
    const std::string expected = world.machine.after_naming.empty() ? "old.example" : "third.example";
    CHECK(world.commit(plan).outcome == Outcome::rolled_back);
    CHECK(world.machine.host_name() == expected);
}

TEST_CASE("a sync that fails once is not believed later: power loss after it leaves old or new", "[commit]") {
    const std::uint64_t seed = GENERATE(0, 1, 2, 3, 4);
    bool seen_roll_back = false;
    for (std::uint64_t number = 1; number <= kSyncs; ++number) {
        INFO("sync " << number << " fails, seed " << seed);
        World world{all_kinds()};
        const Plan plan = world.stage_all();
        world.disk.fail(number, "sync", EIO);
        const Ended ended = end_of([&] { return world.commit(plan).outcome; });
        INFO(ended.text);
        if (ended.outcome == Outcome::rolled_back) {
            REQUIRE(world.is_old());
            seen_roll_back = true;
        }
        world.disk.lose_power();
        world.disk.restart(test::Seed{seed});
        require_next_start_succeeds(world);
    }
    CHECK(seen_roll_back);
}

TEST_CASE("what others do in a tree between staging and commit rolls back, and stays", "[commit]") {
    World world{all_kinds()};
    const Plan plan = world.stage_all();
    const auto data = world.disk.open("/data");
    std::string reason;
    SECTION("something new where a new object is to come") {
        data->create_file("fresh");
        reason = "/data/fresh: appeared during the run";
    }
    SECTION("an object that is to be replaced is gone") {
        data->remove("content");
        reason = "/data/content: vanished during the run";
    }
    SECTION("another object where one is to be removed") {
        data->remove("gone");
        data->create_file("keeps-the-inode-busy");
        data->create_file("gone");
        reason = "/data/gone: was replaced during the run";
    }
    SECTION("another object where attributes are to change") {
        data->create_file("planted");
        data->exchange("planted", *data, "mode");
        reason = "/data/mode: was replaced during the run";
    }
    SECTION("a link where a directory was") {
        data->rename("touched", *data, "moved");
        data->create_symlink("touched", "../config");
        reason = "touched";
    }
    test::Tree found = test::read_tree(*data);
    const test::Tree config = test::read_tree(*world.disk.open("/config"));
    const Ended ended = end_of([&] {
        const Committed result = world.commit(plan);
        CHECK_THAT(result.reason, Catch::Contains(reason));
        return result.outcome;
    });
    CHECK_THAT(ended.text, Catch::Contains(ended.outcome ? "" : reason));
    CHECK((!ended.outcome || ended.outcome == Outcome::rolled_back));
    test::Tree left = test::read_tree(*data);
    found.erase(".");  // its time is the one that the run began with
    left.erase(".");
    CHECK(left == found);
    CHECK(test::read_tree(*world.disk.open("/config")) == config);
    CHECK(world.swapper.state() == FileSwapper::state(1, 2, 0));
}

TEST_CASE("an object that somebody else removed need not be removed again", "[commit]") {
    World world{all_kinds()};
    const Plan plan = world.stage_all();
    world.disk.open("/data")->remove("gone");
    CHECK(world.commit(plan).outcome == Outcome::committed);
    CHECK(world.is_new());
}

TEST_CASE("an object that appears where one was removed stays, and the commit ends", "[commit]") {
    World world{all_kinds()};
    const Plan plan = world.stage_all();
    REQUIRE_FALSE(world.disk.run_until_power_loss(40, [&] { world.commit(plan); }));
    world.disk.restart(test::Seed{1});
    const auto data = world.disk.open("/data");
    REQUIRE_FALSE(data->status("gone"));
    data->create_file("gone");
    CHECK(world.recover().outcome == Outcome::committed);
    CHECK(data->status("gone"));
}

TEST_CASE("recovery does not take an empty mount point for the tree", "[commit]") {
    World world{all_kinds(), FileSystems::one};
    const Plan plan = world.stage_all();
    REQUIRE_FALSE(world.disk.run_until_power_loss(30, [&] { world.commit(plan); }));
    world.disk.restart(test::Seed{1});
    const auto root = world.disk.open("/");
    const std::string journal = os::read_all(*world.disk.open("/state"), "journal", 1 << 20);
    SECTION("the directory is missing") { root->rename("config", *root, "elsewhere"); }
    SECTION("it is another one") {
        root->rename("config", *root, "elsewhere");
        root->create_directory("config");
    }
    const Ended ended = end_of([&] { return world.recover().outcome; });
    CHECK_FALSE(ended.outcome);
    CHECK(ended.error == ErrorKind::recovery);
    CHECK_THAT(ended.text, Catch::Contains("/config"));
    CHECK(os::read_all(*world.disk.open("/state"), "journal", 1 << 20) == journal);
    if (root->status("config")) root->remove("config");
    root->rename("elsewhere", *root, "config");
    CHECK(world.recover().outcome == Outcome::committed);
    CHECK(world.is_new());
}

TEST_CASE("what a finished commit could not free is freed by the next start, or by the next commit",
          "[commit]") {
    World world{all_kinds()};
    Plan plan = world.stage_all();
    plan.keep_undo = false;
    world.swapper.keeps = true;
    const Committed result = world.commit(plan);
    CHECK(result.outcome == Outcome::committed);
    CHECK(result.left == std::vector<std::string>{"replaced by run run-1: appliance: no server"});
    CHECK(world.is_new());
    CHECK_FALSE(world.is_clean());
    CHECK_FALSE(world.mixture());
    SECTION("the next start") {
        CHECK(world.recover().left.size() == 1);
        world.swapper.keeps = false;
        const Recovered recovered = world.recover();
        CHECK(recovered.outcome == Outcome::unchanged);
        CHECK(recovered.left.empty());
        CHECK(world.swapper.discarded == 1);
    }
    SECTION("the next commit, which does not begin before") {
        Plan again = world.stage_all();
        again.keep_undo = false;
        CHECK(end_of([&] { return world.commit(again).outcome; }).error == ErrorKind::database);
        CHECK_THROWS_AS(put_away(world.machine, *world.disk.open("/state"), world.swapper), base::Error);
        world.swapper.keeps = false;
        world.swapper.write(FileSwapper::state(1, 2, 0));
        CHECK(world.commit(again).outcome == Outcome::committed);
        CHECK(world.swapper.discarded == 2);
    }
    CHECK(world.is_new());
    CHECK(world.is_clean());
}

}  // namespace
}  // namespace ft::commit
