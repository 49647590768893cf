#include "ft/records/tree_roots.h"

#include <catch2/catch.hpp>
#include <cerrno>

#include "ft/base/error.h"
#include "ft/records/state_directory.h"
#include "ft/staging/root_time.h"
#include "support/memory_machine.h"

using namespace ft;
using Paths = std::vector<std::string>;

namespace {

struct Host {
    Host() { machine.make_root("/state"); }
    Paths make(const std::string& path) { return records::make_tree_root(machine, *state(), path); }
    void remove(const std::string& path = {}) { records::remove_tree_roots(machine, *state(), path); }
    std::unique_ptr<os::Directory> state() { return disk.open("/state"); }
    bool has(const char* path) { return disk.open("/")->status(path).has_value(); }
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
};

}  // namespace

TEST_CASE("a directory that a failed run made for a tree is the next run's", "[records]") {
    Host host;
    CHECK(host.make("/srv/odd\tname/a") == Paths{"/srv", "/srv/odd\tname", "/srv/odd\tname/a"});
    CHECK(host.make("/srv/b") == Paths{"/srv/b"});
    host.disk.open("/srv/odd\tname/a")->create_file("staged");
    host.remove("/srv/odd\tname/a");
    host.remove("/srv/b");
    CHECK_FALSE(host.has("srv/b"));
    CHECK(host.make("/srv/odd\tname/a") == Paths{"/srv", "/srv/odd\tname", "/srv/odd\tname/a"});
    CHECK(host.make("/srv/b") == Paths{"/srv/b"});
    SECTION("but not once it was committed") {
        records::forget_tree_roots(*host.state());
        CHECK(host.make("/srv/odd\tname/a").empty());
        host.remove();
        CHECK(host.has("srv/b"));
    }
    SECTION("and goes when what was staged is discarded") {
        host.disk.open("/srv/odd\tname/a")->remove("staged");
        host.remove();
        CHECK_FALSE(host.has("srv"));
    }
    CHECK(host.state()->list().empty());
}

TEST_CASE("a directory that cannot be remembered is not made", "[records]") {
    Host host;
    host.disk.mount("/state");
    const auto state = host.state();
    host.disk.fail(1, "write", ENOSPC);
    CHECK_THROWS_AS(records::make_tree_root(host.machine, *state, "/srv/a"), base::Error);
    CHECK_FALSE(host.has("srv"));
    CHECK(state->list().empty());
}

TEST_CASE("a directory that was there before any run is never one's", "[records]") {
    Host host;
    host.machine.make_root("/srv");
    CHECK(host.make("/srv").empty());
    CHECK(host.make("/srv/a") == Paths{"/srv/a"});
    host.remove();
    CHECK(host.has("srv"));
    CHECK_FALSE(host.has("srv/a"));
    CHECK(host.state()->list().empty());
}

namespace {

/// A host with a directory for trees, which has a time of its own; the state is on another file system.
struct Above : Host {
    static constexpr base::Attributes kAttributes{0755, 1, 2, {3, 4}};
    Above() {
        for (const char* path : {"/state", "/srv"}) {
            machine.make_root(path);
            disk.mount(path);
        }
        const auto above = disk.open("/srv");
        above->create_directory("other");
        above->set_attributes(".", kAttributes);
        above->sync_file_system();
    }
    /// The process ends in front of changing operation `step`, or the power with it. False: not so many.
    bool end_at(std::uint64_t step, test::Seed seed, const std::function<void()>& action) {
        const bool finished = disk.run_until_power_loss(step, action);
        disk.lose_power();
        disk.restart(seed);
        return !finished;
    }
    void restore() { staging::restore_root_times(machine, *state()); }
    base::Attributes attributes() { return disk.open("/srv")->status(".")->attributes; }
};

}  // namespace

TEST_CASE("a directory in which roots come and go has its time, wherever a run ends", "[records]") {
    // 1: all is kept, as of a process that is killed.
    const auto seed = GENERATE(1u, 0u, 2u, 3u, 4u, 5u);
    const bool removes = GENERATE(false, true);
    for (std::uint64_t step = 1;; ++step) {
        INFO((removes ? "removing" : "making") << " ended at operation " << step << ", seed " << seed);
        Above host;
        if (removes) host.make("/srv/odd name/b");
        const bool ended = host.end_at(step, test::Seed{seed < 2 ? seed : seed + 10 * step}, [&] {
            removes ? host.remove() : static_cast<void>(host.make("/srv/odd name/b"));
        });
        host.end_at(1 + step % 4, test::Seed{1}, [&] { host.restore(); });
        host.restore();
        REQUIRE(host.attributes() == Above::kAttributes);
        // Nothing that was made is forgotten.
        host.remove();
        REQUIRE_FALSE(host.has("srv/odd name"));
        REQUIRE(host.attributes() == Above::kAttributes);
        os::remove_all(*host.state(), "made-roots.new");  // which the next write takes away
        REQUIRE(host.state()->list().empty());
        if (!ended) break;
    }
}

TEST_CASE("a root that cannot be made leaves neither directories nor memory", "[records]") {
    Above host;
    const auto state = host.state();
    // Files that are created too: the list, and a note before each directory.
    host.disk.fail(GENERATE(3u, 5u), "create", EACCES);
    CHECK_THROWS_AS(host.make("/srv/a/b"), base::Error);
    CHECK_FALSE(host.has("srv/a"));
    CHECK(host.attributes() == Above::kAttributes);
    CHECK(state->list().empty());
}
