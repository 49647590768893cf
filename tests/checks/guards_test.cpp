#include "ft/checks/guards.h"

#include <catch2/catch.hpp>

#include "ft/base/bytes.h"
#include "ft/base/error.h"
#include "ft/checks/ground.h"
#include "ft/system/machine_id.h"
#include "support/error_of.h"
#include "support/memory_machine.h"

using namespace ft;
using Lines = std::vector<std::string>;

namespace {

std::string removals(const checks::FilesOfTree& files, unsigned max_delete = 50) {
    return test::error_of([&] { checks::require_few_removals(files, max_delete); });
}

struct World {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    base::Cancellation never;
    system::Description system;

    void write(const std::string& path, const std::string& content) {
        const std::size_t slash = path.rfind('/');
        machine.make_root(path.substr(0, slash));
        os::write_whole(*disk.open("/"), path.substr(1), content);
    }
    system::Manifest manifest() {
        system::Manifest manifest;
        manifest.machine = system::machine_digest(machine, system);
        return manifest;
    }
    bool same_machine(const std::string& host, const std::string& peer) {
        return test::error_of([&] { checks::require_other_machine(machine, system, host, peer, never); }) ==
               host + " is this machine";
    }
};

}  // namespace

TEST_CASE("a share of removed files above the limit is refused, once the tree has more than a hundred",
          "[checks]") {
    CHECK(removals({100, 1000, 900}) ==
          "this run would remove 900 of 1,000 files (90 %), --max-delete allows 50 %");
    CHECK(removals({501, 1000, 500}) == "no error");
    CHECK(removals({500, 1000, 501}) ==
          "this run would remove 501 of 1,000 files (51 %), --max-delete allows 50 %");
    CHECK(removals({500, 1000, 501}, 51) == "no error");
    CHECK(removals({1, 100, 99}) == "no error");
    CHECK(removals({2, 101, 99}) == "this run would remove 99 of 101 files (99 %), --max-delete allows 50 %");
    CHECK(removals({2, 101, 99}, 100) == "no error");
    CHECK(removals({1, 101, 1}, 0) == "this run would remove 1 of 101 files (1 %), --max-delete allows 0 %");
    CHECK(removals({1, 101, 0}, 0) == "no error");
}

TEST_CASE("the files of a tree are not replaced by none", "[checks]") {
    CHECK(removals({0, 1, 1}) == "the source has no file in it, this run would remove all that are here (1)");
    CHECK(removals({0, 1, 1}, 99) != "no error");
    CHECK(removals({0, 1, 1}, 100) == "no error");
    CHECK(removals({0, 0, 0}) == "no error");
}

TEST_CASE("a machine id on both sides is found, and none is equal to none", "[checks]") {
    World old;
    World copy;
    CHECK(old.manifest().machine.empty());
    CHECK(checks::identity_findings(copy.machine, copy.system, old.manifest()).empty());
    old.write("/etc/machine-id", "0123456789abcdef\n");
    copy.write("/etc/machine-id", " 0123456789abcdef");
    CHECK(old.manifest().machine.size() == 64);
    const Lines findings = checks::identity_findings(copy.machine, copy.system, old.manifest());
    REQUIRE(findings.size() == 1);
    CHECK_THAT(findings[0], Catch::StartsWith("/etc/machine-id: is the same here and at the source"));
    copy.write("/etc/machine-id", "0123456789abcde0\n");
    CHECK(checks::identity_findings(copy.machine, copy.system, old.manifest()).empty());
    for (const char* none : {"", "\n", "uninitialized\n"}) {
        old.write("/etc/machine-id", none);
        CHECK(old.manifest().machine.empty());
    }
}

TEST_CASE("a machine id is that of the root", "[checks]") {
    World world;
    world.write("/etc/machine-id", "a");
    world.write("/srv/test/etc/machine-id", "b");
    const std::string own = world.manifest().machine;
    world.system.root = "/srv/test";
    CHECK(world.manifest().machine != own);
}

TEST_CASE("a source with an address of this machine is this machine", "[checks]") {
    World world;
    world.machine.own_addresses = {"10.0.0.2", "[fd00::2]"};
    world.machine.known_hosts = {{"old", {"10.0.0.1"}}, {"me", {"10.9.9.9", "[fd00::2]"}}};
    CHECK(world.same_machine("old", "10.0.0.2"));
    CHECK(world.same_machine("me", "127.0.1.1"));
    CHECK_FALSE(world.same_machine("old", "10.0.0.1"));
    CHECK_FALSE(world.same_machine("unknown", "127.0.0.1"));  // as through a tunnel
    world.system.root = "/srv/test";
    CHECK_FALSE(world.same_machine("old", "10.0.0.2"));
}

TEST_CASE("a public name that leads here is told", "[checks]") {
    World world;
    world.machine.own_addresses = {"10.0.0.2"};
    world.machine.known_hosts = {{"files.example.com", {"10.0.0.1", "10.0.0.2"}},
                                 {"other.example", {"10.0.0.1"}}};
    system::Manifest manifest;
    CHECK_FALSE(checks::serves_public_name(world.machine, manifest, world.never));
    manifest.public_hostname = "other.example";
    CHECK_FALSE(checks::serves_public_name(world.machine, manifest, world.never));
    manifest.public_hostname = "files.example.com";
    CHECK(checks::serves_public_name(world.machine, manifest, world.never));
}

TEST_CASE("what must exist in a tree, and its mount, are looked for", "[checks]") {
    World world;
    world.write("/srv/data/app/version", "1");
    system::TreeDescription tree{.name = "data", .path = "/srv/data"};
    const auto findings = [&] {
        return checks::ground_findings(world.machine, world.system, tree, checks::Side::source);
    };
    CHECK(findings().empty());
    tree.must_exist = {"app/version", "app", "app/none", "none/at all"};
    CHECK(findings() ==
          Lines{"tree data: /srv/data/app/none: is missing, which system.json says must exist",
                "tree data: /srv/data/none/at all: is missing, which system.json says must exist"});
    tree.must_exist.clear();
    tree.mount_point = true;
    CHECK(findings() == Lines{"tree data: /srv/data: no file system is mounted here, which system.json says "
                              "there must be"});
    CHECK(checks::ground_findings(world.machine, world.system, tree, checks::Side::destination).empty());
    world.system.trees = {tree};
    CHECK_THROWS_AS(checks::require_ground(world.machine, world.system), base::Error);
    os::remove_all(*world.disk.open("/srv/data"), "app");
    world.disk.mount("/srv/data");
    CHECK(findings().empty());
    checks::require_ground(world.machine, world.system);
    tree.path = "/";
    CHECK(findings().empty());
}

TEST_CASE("what is mounted in a tree as a part of it must be mounted", "[checks]") {
    World world;
    world.write("/srv/data/m/file", "1");
    world.machine.make_root("/srv/data/m/n");
    system::TreeDescription tree{.name = "data", .path = "/srv/data"};
    const auto findings = [&] {
        auto here = checks::ground_findings(world.machine, world.system, tree, checks::Side::destination);
        CHECK(here == checks::ground_findings(world.machine, world.system, tree, checks::Side::source));
        return here;
    };
    CHECK(findings().empty());
    tree.mounts = {base::RelPath{"m/n"}, base::RelPath{"none"}};
    const auto missing = [](const std::string& path) {
        return "tree data: /srv/data/" + path +
               ": no file system is mounted here, which system.json says there must be";
    };
    CHECK(findings() == Lines{missing("m/n"), missing("none")});
    world.disk.mount("/srv/data/m/n");
    CHECK(findings() == Lines{missing("none")});
    world.system.trees = {tree};
    CHECK_THROWS_AS(checks::require_ground(world.machine, world.system), base::Error);
    world.system.trees[0].mounts.pop_back();
    checks::require_ground(world.machine, world.system);
}
