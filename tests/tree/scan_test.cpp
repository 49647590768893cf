#include "ft/tree/scan.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ft/base/error.h"
#include "ft/base/extended.h"
#include "tree/fake_directory.h"

using namespace ft;
using base::FileType;
using test::FakeDirectory;

namespace {

FakeDirectory::Disk disk_with_root() {
    FakeDirectory::Disk disk;
    FakeDirectory::add(disk, ".", FileType::directory);
    return disk;
}

tree::Scanned scan(FakeDirectory::Disk& disk, const tree::Rules& rules = {}) {
    base::Cancellation cancellation;
    const FakeDirectory root{disk, "."};
    return tree::scan(root, rules, cancellation);
}

/// Names in order; pinned directories with a '!' behind.
std::vector<std::string> names_of(const tree::Listing& listing) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < listing.size(); ++i) {
        names.push_back(std::string{listing[i].path} + (listing[i].pinned ? "!" : ""));
    }
    return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a scan lists objects of all seven types with what the system says of them", "[tree]") {
    auto disk = disk_with_root();
    FakeDirectory::add(disk, "d", FileType::directory, 4096);
    FakeDirectory::add(disk, "d/file", FileType::regular, 7);
    FakeDirectory::add(disk, "d/link", FileType::symlink, 3).target = "../t";
    auto& device = FakeDirectory::add(disk, "d/dev", FileType::character_device).status;
    device.device_major = 5;
    device.device_minor = 1;
    FakeDirectory::add(disk, "d/block", FileType::block_device);
    FakeDirectory::add(disk, "d/fifo", FileType::fifo);
    FakeDirectory::add(disk, "d/sock", FileType::socket);
    const tree::Scanned found = scan(disk);

    CHECK(names_of(found.listing) ==
          Names{".", "d", "d/block", "d/dev", "d/fifo", "d/file", "d/link", "d/sock"});
    found.listing.require_tree();
    const auto item = [&](const char* path) { return found.listing[found.listing.find(path).value()]; };
    CHECK(item("d").object.size == 0);
    CHECK(item("d/file").object.size == 7);
    CHECK(item("d/file").object.attributes == base::Attributes{0640, 1, 2, {1'600'000'000, 123'456'789}});
    CHECK(item("d/link").object.link_target == "../t");
    CHECK(item("d/link").object.size == 4);
    CHECK(item("d/dev").object.device_major == 5);
    CHECK(item("d/dev").object.device_minor == 1);
    CHECK(item("d/sock").object.type == FileType::socket);
    CHECK(found.listing.totals() == tree::Totals{8, 1, 2, 7});
}

TEST_CASE("a scan arrives in protocol order", "[tree]") {
    auto disk = disk_with_root();
    for (const char* path : {"foo", "foo-bar", "a"}) FakeDirectory::add(disk, path, FileType::directory);
    for (const char* path : {"foo.txt", "foo/z", "foo/b", "foo-bar/c", "zz"}) {
        FakeDirectory::add(disk, path, FileType::regular);
    }
    const auto listing = scan(disk).listing;
    CHECK(names_of(listing) ==
          Names{".", "foo.txt", "zz", "a", "foo-bar", "foo-bar/c", "foo", "foo/b", "foo/z"});
    for (std::size_t i = 0; i < listing.size(); ++i) CHECK(listing.arrival(i) == i);
}

TEST_CASE("excluded objects are neither listed nor entered and pin the directories above", "[tree]") {
    auto disk = disk_with_root();
    for (const char* path : {"a", "a/b", "a/b/keep", "a/c", "tmp"})
        FakeDirectory::add(disk, path, FileType::directory);
    for (const char* path : {"a/b/keep/x", "a/c/f", "f.pid", "tmp/f", "a/c/tmp"}) {
        FakeDirectory::add(disk, path, FileType::regular);
    }
    disk.unreadable["a/b/keep"] = EACCES;
    tree::Rules rules;
    rules.exclude_path(base::RelPath{"a/b/keep"});
    SECTION("one deep down") {
        const auto found = scan(disk, rules);
        CHECK(names_of(found.listing) ==
              Names{".!", "f.pid", "a!", "a/b!", "a/c", "a/c/f", "a/c/tmp", "tmp", "tmp/f"});
        CHECK(found.unreadable_count == 0);
    }
    SECTION("patterns, one for directories only") {
        rules.exclude("*.pid");
        rules.exclude("tmp/");
        CHECK(names_of(scan(disk, rules).listing) == Names{".!", "a!", "a/b!", "a/c", "a/c/f", "a/c/tmp"});
    }
}

TEST_CASE("other file systems are listed as mount points, pinned and not entered", "[tree]") {
    auto disk = disk_with_root();
    FakeDirectory::add(disk, "a", FileType::directory);
    FakeDirectory::add(disk, "a/m\n", FileType::directory).status.device = 9;
    FakeDirectory::add(disk, "a/m\n/x", FileType::regular);
    FakeDirectory::add(disk, "b", FileType::directory);
    const auto found = scan(disk);
    CHECK(names_of(found.listing) == Names{".!", "a!", "a/m\n!", "b"});
    CHECK(found.mount_points == Names{"a/m\\x0a"});
    CHECK(found.listing[2].mount_point);
    CHECK_FALSE(found.listing[1].mount_point);
}

TEST_CASE("a bind mount of the same file system is a mount point", "[tree]") {
    auto disk = disk_with_root();
    FakeDirectory::add(disk, "m", FileType::directory).status.mount_root = true;
    FakeDirectory::add(disk, "m/x", FileType::regular);
    CHECK(scan(disk).mount_points == Names{"m"});
}

TEST_CASE("mount points that are part of the tree are entered, one within the other", "[tree]") {
    auto disk = disk_with_root();
    for (const char* path : {"a", "a/m", "a/m/d", "a/m/n", "other"})
        FakeDirectory::add(disk, path, FileType::directory).status.device = 1;
    disk.nodes.at(".").status.device = 1;
    for (const char* path : {"a/m", "a/m/d"}) disk.nodes.at(path).status.device = 2;
    disk.nodes.at("a/m/n").status.device = 3;
    disk.nodes.at("other").status.device = 1;
    for (const char* path : {"a/m/x", "a/m/n/y"}) FakeDirectory::add(disk, path, FileType::regular);
    base::Cancellation cancellation;
    const auto scan_with = [&](const std::vector<base::RelPath>& mounts, const tree::Rules& rules = {}) {
        return tree::scan(FakeDirectory{disk, "."}, rules, cancellation, {.mounts = mounts});
    };
    const auto found = scan_with({base::RelPath{"a/m"}, base::RelPath{"a/m/n"}});
    CHECK(names_of(found.listing) ==
          Names{".!", "a!", "a/m!", "a/m/x", "a/m/d", "a/m/n!", "a/m/n/y", "other"});
    CHECK(found.mount_points.empty());
    CHECK(found.unreadable_count == 0);
    CHECK(found.listing[2].ground);
    CHECK_FALSE(found.listing[2].mount_point);
    CHECK_FALSE(found.listing[1].ground);
    CHECK(scan_with({base::RelPath{"a/m"}}).mount_points == Names{"a/m/n"});
    // What is named must be mounted, whatever it is now; unless it is excluded.
    CHECK(scan_with({base::RelPath{"a/m"}, base::RelPath{"a/m/n"}, base::RelPath{"other"},
                     base::RelPath{"a/m/x"}, base::RelPath{"none/at all"}})
              .unreadable ==
          Names{"other: nothing is mounted here, which system.json says is a mount point",
                "a/m/x: nothing is mounted here, which system.json says is a mount point",
                "none/at all: nothing is mounted here, which system.json says is a mount point"});
    tree::Rules rules;
    rules.exclude("/a");
    CHECK(scan_with({base::RelPath{"a/m"}}, rules).unreadable_count == 0);
}

TEST_CASE("what vanishes while it is read is counted and not listed", "[tree]") {
    auto disk = disk_with_root();
    for (const char* path : {"d", "e", "g"}) FakeDirectory::add(disk, path, FileType::directory);
    FakeDirectory::add(disk, "f", FileType::regular);
    FakeDirectory::add(disk, "d/f", FileType::regular);
    FakeDirectory::add(disk, "g/h", FileType::regular);
    disk.on_list = [&](const std::string& path) {
        if (path == ".") disk.nodes.erase("f");
        if (path != "d") return;
        disk.nodes.erase("e");                               // listed by the root, gone before it is opened
        disk.nodes.at("g").status.type = FileType::regular;  // became something else
        disk.nodes.erase("d/f");
    };
    const auto found = scan(disk);
    CHECK(names_of(found.listing) == Names{".", "d"});
    CHECK(found.vanished == 4);
    CHECK(found.unreadable_count == 0);
}

TEST_CASE("what cannot be read is recorded, and the rest goes on", "[tree]") {
    auto disk = disk_with_root();
    FakeDirectory::add(disk, "d\x1b", FileType::directory);
    FakeDirectory::add(disk, "d\x1b/f", FileType::regular);
    FakeDirectory::add(disk, "l", FileType::symlink);
    FakeDirectory::add(disk, "z", FileType::regular);
    disk.unreadable["d\x1b"] = EACCES;
    disk.unreadable["l"] = EIO;
    const auto found = scan(disk);
    CHECK(names_of(found.listing) == Names{".", "z", "d\x1b"});
    CHECK(found.unreadable ==
          Names{"l: cannot read link: Input/output error", "d\\x1b: cannot list: Permission denied"});
    CHECK(found.unreadable_count == 2);
}

TEST_CASE("only the first thousand unreadable objects are kept as text", "[tree]") {
    auto disk = disk_with_root();
    for (int i = 0; i < 1200; ++i) {
        FakeDirectory::add(disk, std::to_string(i), FileType::directory);
        disk.unreadable[std::to_string(i)] = EIO;
    }
    const auto found = scan(disk);
    CHECK(found.unreadable.size() == 1000);
    CHECK(found.unreadable_count == 1200);
}

TEST_CASE("extended attributes are listed with every object, once for all that have the same", "[tree]") {
    FakeDirectory::Disk disk;
    const std::string one = base::pack({{"user.a", "1"}});
    FakeDirectory::add(disk, ".", FileType::directory).extended = one;
    FakeDirectory::add(disk, "d", FileType::directory).extended = base::pack({{"user.d", "d"}});
    FakeDirectory::add(disk, "d/f", FileType::regular).extended = one;
    FakeDirectory::add(disk, "l", FileType::symlink).extended = base::pack({{"trusted.l", "l"}});
    FakeDirectory::add(disk, "none", FileType::regular);
    const FakeDirectory root{disk, "."};
    base::Cancellation cancellation;
    const auto scanned = tree::scan(root, {}, cancellation);
    for (std::size_t index = 0; index < scanned.listing.size(); ++index) {
        const tree::Item item = scanned.listing[index];
        CHECK(item.object.extended == disk.nodes.at(std::string{item.path}).extended);
    }
    std::size_t sets = 0;
    scanned.listing.for_each_extended([&](std::string_view) { ++sets; });
    CHECK(sets == 3);
    CHECK(scanned.listing[0].object.extended.data() == scanned.listing[4].object.extended.data());
    const auto without = tree::scan(root, {}, cancellation, {.extended = false});
    CHECK(without.listing[0].object.extended.empty());
}

TEST_CASE("a root that cannot be read ends the scan", "[tree]") {
    auto disk = disk_with_root();
    disk.unreadable["."] = EACCES;
    try {
        scan(disk);
        FAIL("no error");
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::permission);
    }
}

TEST_CASE("2000 levels need few open directories, and longer paths are named as unfit for the wire",
          "[tree]") {
    auto disk = disk_with_root();
    std::string path = "d";
    FakeDirectory::add(disk, path, FileType::directory);
    for (int level = 1; level < 2047; ++level) FakeDirectory::add(disk, path += "/d", FileType::directory);
    REQUIRE(path.size() == 4093);
    FakeDirectory::add(disk, path + "/f", FileType::regular);
    FakeDirectory::add(disk, path + "/ff", FileType::regular);
    FakeDirectory::add(disk, path + "/gg", FileType::directory);
    const auto found = scan(disk);
    CHECK(found.listing.size() == 2049);
    CHECK(found.listing[2048].path == path + "/f");
    CHECK(disk.most_open <= 2);
    CHECK(disk.open == 0);
    REQUIRE(found.unreadable.size() == 2);
    CHECK(found.unreadable[0].ends_with(
        "/d/...: cannot be named on the wire: a path with more than 4095 bytes"));
}

TEST_CASE("names of one object are a group, wherever they lie, and no directory is in one", "[tree]") {
    auto disk = disk_with_root();
    const auto add = [&](const std::string& path, FileType type, std::uint64_t links, std::uint64_t inode) {
        os::Status& status = FakeDirectory::add(disk, path, type).status;
        status.links = links;
        status.inode = inode;
    };
    add("d", FileType::directory, 3, 7);
    add("d/below", FileType::regular, 3, 10);
    add("f", FileType::regular, 3, 10);
    add("a", FileType::regular, 3, 10);
    add("g", FileType::symlink, 2, 11);
    add("d/g", FileType::symlink, 2, 11);
    add("outside", FileType::regular, 2, 12);
    add("two outside", FileType::fifo, 4, 13);
    add("two outside too", FileType::fifo, 4, 13);
    add("alone", FileType::regular, 1, 10);
    add("e", FileType::directory, 2, 10);
    const tree::Scanned found = scan(disk);
    const tree::Listing& listing = found.listing;
    const auto group_of = [&](const std::string& path) {
        Names names;
        const auto number = listing.group(*listing.find(path));
        for (auto at = number ? std::optional{listing.first_of(*number)} : std::nullopt; at;
             at = listing.next_of(*at))
            names.emplace_back(listing[*at].path);
        return names;
    };
    CHECK(listing.groups() == 3);
    for (const char* path : {"a", "f", "d/below"}) CHECK(group_of(path) == Names{"a", "f", "d/below"});
    CHECK(group_of("g") == Names{"g", "d/g"});
    CHECK(group_of("two outside") == Names{"two outside", "two outside too"});
    for (const char* path : {"d", "e", "outside", "alone"}) CHECK(group_of(path).empty());
    CHECK(found.linked_outside == 3);
    CHECK(found.outside_examples == Names{"outside", "two outside"});
}

TEST_CASE("a scan tells of each entry in the listing's order, before it reads on", "[tree]") {
    auto disk = disk_with_root();
    for (const char* path : {"a", "m", "z"}) FakeDirectory::add(disk, path, FileType::directory);
    disk.nodes["m"].status.mount_root = true;
    for (const char* path : {"f", "a/f", "z/f", "z/alone"}) {
        os::Status& status = FakeDirectory::add(disk, path, FileType::regular).status;
        status.links = 3;
        status.inode = std::string_view{path}.ends_with("f") ? 10 : 11;
    }
    FakeDirectory::add(disk, "a/g", FileType::symlink).target = "t";
    Names told;
    const auto on_entry = [&](const tree::Item& item, std::optional<std::size_t> first) {
        told.push_back(std::string{item.path} + (item.mount_point ? " mount" : "") +
                       (first ? fmt::format(" {}", *first) : "") +
                       (item.object.link_target.empty() ? "" : " > " + std::string{item.object.link_target}));
    };
    std::map<std::string, std::size_t> told_before;
    disk.on_list = [&](const std::string& path) { told_before[path] = told.size(); };
    base::Cancellation cancellation;
    const tree::Scanned found =
        tree::scan(FakeDirectory{disk, "."}, {}, cancellation, {.on_entry = on_entry});
    CHECK(told == Names{".", "f 1", "a", "a/f 1", "a/g > t", "m mount", "z", "z/alone 7", "z/f 1"});
    CHECK(found.listing.size() == told.size());
    CHECK(told_before == std::map<std::string, std::size_t>{{".", 1}, {"a", 3}, {"z", 7}});
}

TEST_CASE("equal inode numbers on two mounts are two objects", "[tree]") {
    auto disk = disk_with_root();
    FakeDirectory::add(disk, "m", FileType::directory).status.mount_root = true;
    for (const char* path : {"f", "m/f"}) {
        os::Status& status = FakeDirectory::add(disk, path, FileType::regular).status;
        status.links = 2;
        status.inode = 10;
    }
    base::Cancellation cancellation;
    const tree::Scanned found =
        tree::scan(FakeDirectory{disk, "."}, {}, cancellation, {.mounts = {base::RelPath{"m"}}});
    CHECK(found.listing.size() == 4);
    CHECK(found.listing.groups() == 0);
    CHECK(found.linked_outside == 2);
}

TEST_CASE("a scan ends when it is cancelled", "[tree]") {
    auto disk = disk_with_root();
    FakeDirectory::add(disk, "f", FileType::regular);
    base::Cancellation cancellation;
    disk.on_list = [&](const std::string&) { cancellation.request("Ctrl-C"); };
    const FakeDirectory root{disk, "."};
    try {
        tree::scan(root, {}, cancellation);
        FAIL("no error");
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::cancelled);
    }
}

TEST_CASE("a scan counts what was changed since a moment, without the root and what is excluded", "[tree]") {
    auto disk = disk_with_root();
    for (const char* path : {"a", "old"}) FakeDirectory::add(disk, path, FileType::directory);
    for (const char* path : {"a/1", "a/2", "a/\x1b", "a/x.tmp", "old/5", "old/6"})
        FakeDirectory::add(disk, path, FileType::regular);
    const base::Timestamp moment{1'700'000'000, 5};
    for (auto& [path, node] : disk.nodes) node.status.ctime = {1'700'000'000, 6};
    disk.nodes["old"].status.ctime = moment;
    disk.nodes["old/5"].status.ctime = {1'699'999'999, 999};
    tree::Rules rules;
    rules.exclude("*.tmp");
    base::Cancellation cancellation;
    const tree::Scanned found =
        tree::scan(FakeDirectory{disk, "."}, rules, cancellation, {.changed_since = moment});
    CHECK(found.changed.objects == 5);
    CHECK(found.changed.examples == Names{"a", "a/\\x1b", "a/1"});
    CHECK(scan(disk).changed.objects == 0);
}

TEST_CASE("an inode number that was given to another object during the scan makes no hard link", "[tree]") {
    auto disk = disk_with_root();
    const auto add = [&](const std::string& path, std::uint64_t size) {
        os::Status& status = FakeDirectory::add(disk, path, FileType::regular, size).status;
        status.links = 2;
        status.inode = 7;
    };
    add("a", 5);  // gone by the time when "b" is met, which has its number
    add("b", 6);
    add("c", 6);
    const auto found = scan(disk);
    REQUIRE(found.listing.groups() == 1);
    const auto group = [&](const char* path) {
        return found.listing.group(found.listing.find(path).value());
    };
    CHECK(group("a") == std::nullopt);
    CHECK(group("b") == group("c"));
    CHECK(group("b").has_value());
}
