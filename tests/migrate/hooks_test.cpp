#include "migrate/hooks.h"

#include <catch2/catch.hpp>

#include "ft/base/error.h"
#include "support/error_of.h"
#include "support/memory_machine.h"

using namespace ft;
using migrate::Moment;
using Lines = std::vector<std::string>;
using Variables = std::map<std::string, std::string>;

namespace {

struct World {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    base::Cancellation never;
    system::Description system;
    migrate::HookFacts facts{.run_id = "run 1", .phase = system::Phase::final_run};
    Lines told;

    World() {
        system.root = "/r";
        system.trees = {{.name = "data-1.x", .path = "/srv/data"}, {.name = "all", .path = "/"}};
        system.databases = {{.name = "app"}, {.name = "Übung"}};
        system.hooks.after_restore = {{"/bin/first", "a b"}, {"second"}};
        system.hooks.after_commit = system.hooks.after_restore;
        machine.on_run = [](const os::Command&) { return os::Finished{}; };
    }
    void fail_at(const std::string& program) {
        machine.on_run = [program](const os::Command& command) {
            if (command.arguments[0] != program) return os::Finished{};
            return os::Finished{.status = 3, .output = "out\n", .errors = "why\nno \x1b reason\n"};
        };
    }
    Lines ran() const {
        Lines programs;
        for (const os::Command& command : machine.ran) programs.push_back(command.arguments[0]);
        return programs;
    }
};

}  // namespace

TEST_CASE("hooks run in their order, with their arguments, and know the run", "[migrate]") {
    World world;
    world.facts.incoming = {{"app", "app_ft_incoming"}};
    migrate::run_hooks(world.machine, world.system, Moment::after_restore, world.facts, world.never,
                       [&](const std::string& line) { world.told.push_back(line); });
    REQUIRE(world.ran() == Lines{"/bin/first", "second"});
    CHECK(world.machine.ran[0].arguments == Lines{"/bin/first", "a b"});
    CHECK(world.machine.ran[0].time_limit == std::chrono::hours{1});
    CHECK(world.machine.ran[0].environment == Variables{{"FT_HOOK", "after_restore"},
                                                        {"FT_RUN_ID", "run 1"},
                                                        {"FT_PHASE", "final"},
                                                        {"FT_ROOT", "/r"},
                                                        {"FT_TREE_DATA_1_X", "/r/srv/data"},
                                                        {"FT_TREE_ALL", "/r"},
                                                        {"FT_DATABASE_APP", "app_ft_incoming"},
                                                        {"FT_DATABASE___BUNG", "Übung"}});
    CHECK(world.told ==
          Lines{"Running hook after_restore (/bin/first).", "Running hook after_restore (second)."});
    migrate::run_hooks(world.machine, world.system, Moment::before_backup, {}, world.never);
    CHECK(world.machine.ran.size() == 2);
}

TEST_CASE("the first hook that fails is the error, in one line with its last words", "[migrate]") {
    World world;
    world.fail_at("/bin/first");
    CHECK(test::error_of([&] {
              migrate::run_hooks(world.machine, world.system, Moment::after_restore, world.facts,
                                 world.never);
          }) == "hook after_restore (/bin/first): exit status 3: no \\x1b reason");
    CHECK(world.ran() == Lines{"/bin/first"});
}

TEST_CASE("after the commit each hook has its turn, and each failure is told", "[migrate]") {
    World world;
    world.fail_at("/bin/first");
    CHECK(migrate::try_hooks(world.machine, world.system, Moment::after_commit, world.facts, world.never) ==
          Lines{"hook after_commit (/bin/first): exit status 3: no \\x1b reason"});
    CHECK(world.ran() == Lines{"/bin/first", "second"});
}

TEST_CASE("no hook begins after an interruption", "[migrate]") {
    World world;
    world.never.request("a test");
    CHECK_THROWS_AS(
        migrate::run_hooks(world.machine, world.system, Moment::after_restore, world.facts, world.never),
        base::Error);
    CHECK(world.ran().empty());
}
