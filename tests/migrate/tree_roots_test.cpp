#include "migrate/tree_roots.h"

#include <catch2/catch.hpp>
#include <cerrno>

#include "ft/base/error.h"
#include "migrate/state_directory.h"
#include "support/memory_machine.h"

using namespace ft;
using Paths = std::vector<std::string>;

namespace {

struct Host {
    Host() { machine.make_root("/state"); }
    Paths make(const std::string& path) { return migrate::make_tree_root(machine, *state(), path); }
    void remove(const std::string& path = {}) { migrate::remove_tree_roots(machine, *state(), path); }
    std::unique_ptr<os::Directory> state() { return disk.open("/state"); }
    bool has(const char* path) { return disk.open("/")->status(path).has_value(); }
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
};

}  // namespace

TEST_CASE("a directory that a failed run made for a tree is the next run's", "[migrate]") {
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
        migrate::forget_tree_roots(*host.state());
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

TEST_CASE("a directory that cannot be remembered is not made", "[migrate]") {
    Host host;
    host.disk.mount("/state");
    const auto state = host.state();
    host.disk.fail(1, "write", ENOSPC);
    CHECK_THROWS_AS(migrate::make_tree_root(host.machine, *state, "/srv/a"), base::Error);
    CHECK_FALSE(host.has("srv"));
    CHECK(state->list().empty());
}

TEST_CASE("a directory that was there before any run is never one's", "[migrate]") {
    Host host;
    host.machine.make_root("/srv");
    CHECK(host.make("/srv").empty());
    CHECK(host.make("/srv/a") == Paths{"/srv/a"});
    host.remove();
    CHECK(host.has("srv"));
    CHECK_FALSE(host.has("srv/a"));
    CHECK(host.state()->list().empty());
}
