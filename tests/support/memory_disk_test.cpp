#include "support/memory_disk.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <thread>

#include "ft/base/bytes.h"
#include "ft/base/error.h"
#include "support/error_of.h"

namespace ft::test {
namespace {

using base::FileType;

constexpr Seed kLoseAll{0};
constexpr Seed kKeepAll{1};

std::string content_of(const os::Directory& directory, const std::string& path) {
    const auto file = directory.open_file(path);
    std::string content(file->status().size, '\0');
    file->read_at(0, std::as_writable_bytes(std::span{content}));
    return content;
}

std::unique_ptr<os::File> create(os::Directory& directory, const std::string& path,
                                 const std::string& content) {
    auto file = directory.create_file(path);
    file->write_at(0, base::as_bytes(content));
    return file;
}

/// A file that has reached the disk.
void settle(os::Directory& directory, const std::string& path, const std::string& content) {
    create(directory, path, content);
    directory.sync_file_system();
}

void cut_power(MemoryDisk& disk, Seed seed) {
    disk.lose_power();
    disk.restart(seed);
}

std::vector<std::string> names_of(const os::Directory& directory) {
    std::vector<std::string> names;
    for (const auto& name : directory.list()) names.push_back(name.name);
    std::sort(names.begin(), names.end());
    return names;
}

TEST_CASE("what was not synced is lost with seed 0 and kept with seed 1", "[support]") {
    MemoryDisk disk;
    settle(*disk.open("/"), "f", "old");
    create(*disk.open("/"), "new", "content");
    disk.open("/")->change_file("f")->write_at(0, base::as_bytes("changed"));
    SECTION("lost") {
        cut_power(disk, kLoseAll);
        CHECK(names_of(*disk.open("/")) == std::vector<std::string>{"f"});
        CHECK(content_of(*disk.open("/"), "f") == "old");
    }
    SECTION("kept") {
        cut_power(disk, kKeepAll);
        CHECK(content_of(*disk.open("/"), "f") == "changed");
        CHECK(content_of(*disk.open("/"), "new") == "content");
    }
    SECTION("a stop without power loss keeps all, whatever the seed") {
        disk.restart(kLoseAll);
        CHECK(content_of(*disk.open("/"), "new") == "content");
    }
}

TEST_CASE("a synced file whose directory was not synced has no name after power loss", "[support]") {
    MemoryDisk disk;
    create(*disk.open("/"), "f", "x")->sync();
    SECTION("file alone") {
        cut_power(disk, kLoseAll);
        CHECK(names_of(*disk.open("/")).empty());
    }
    SECTION("file and directory") {
        disk.open("/")->sync();
        cut_power(disk, kLoseAll);
        CHECK(content_of(*disk.open("/"), "f") == "x");
    }
}

TEST_CASE("a synced name whose file was not synced stands for an empty file", "[support]") {
    MemoryDisk disk;
    create(*disk.open("/"), "f", "x");
    disk.open("/")->sync();
    cut_power(disk, kLoseAll);
    CHECK(content_of(*disk.open("/"), "f").empty());
}

TEST_CASE("a rename is durable at both ends or at none", "[support]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_directory("a");
    root->create_directory("b");
    settle(*root, "a/f", "x");
    root->rename("a/f", *root->open_directory("b"), "g");
    bool renamed = true;
    SECTION("no sync") { renamed = false; }
    SECTION("sync of the one") { root->open_directory("a")->sync(); }
    SECTION("sync of the other") { root->open_directory("b")->sync(); }
    SECTION("sync of a directory above does not count") {
        root->sync();
        renamed = false;
    }
    cut_power(disk, kLoseAll);
    CHECK(disk.open("/")->status("a/f").has_value() == !renamed);
    CHECK(disk.open("/")->status("b/g").has_value() == renamed);
}

TEST_CASE("an exchange swaps objects of different types, and survives as a whole", "[support]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_directory("d");
    create(*root, "d/in", "inside");
    settle(*root, "f", "file");
    root->exchange("d", *root, "f");
    CHECK(content_of(*root, "d") == "file");
    CHECK(content_of(*root, "f/in") == "inside");
    const bool synced = GENERATE(true, false);
    if (synced) root->sync();
    cut_power(disk, kLoseAll);
    CHECK(content_of(*disk.open("/"), synced ? "f/in" : "d/in") == "inside");
    CHECK(content_of(*disk.open("/"), synced ? "d" : "f") == "file");
}

TEST_CASE("a name that is made durable brings the earlier changes of that name with it", "[support]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_directory("a");
    root->create_directory("b");
    root->sync_file_system();
    create(*root, "a/f", "x")->sync();
    root->rename("a/f", *root, "g");
    root->rename("g", *root->open_directory("b"), "h");
    root->open_directory("b")->sync();
    cut_power(disk, kLoseAll);
    CHECK(content_of(*disk.open("/"), "b/h") == "x");
    CHECK(names_of(*disk.open("/")) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("removing a directory never takes away what was moved out of it before", "[support]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_directory("d");
    root->create_directory("kept");
    settle(*root, "d/f", "x");
    root->rename("d/f", *root->open_directory("kept"), "f");
    root->remove("d");
    const bool synced = GENERATE(true, false);
    if (synced) root->sync();
    const auto seed = GENERATE(range(0, 20));
    cut_power(disk, Seed(seed));
    const auto after = disk.open("/");
    CHECK(after->status("d/f").has_value() != after->status("kept/f").has_value());
}

TEST_CASE("attributes are durable by a sync of their own object, times of directories move with names",
          "[support]") {
    MemoryDisk disk;
    const base::Attributes wanted{.mode = 04750, .uid = 7, .gid = 8, .mtime = {-5, 6}};
    const auto root = disk.open("/");
    root->create_directory("d");
    settle(*root, "f", "x");
    root->set_attributes("f", wanted);
    root->set_attributes("d", wanted);
    CHECK(root->status("d")->attributes == wanted);
    create(*root, "d/g", "");
    CHECK(root->status("d")->attributes.mtime != wanted.mtime);
    root->set_attributes("d", wanted);
    const auto before = root->status("f")->attributes;
    CHECK(before == wanted);
    root->sync();
    SECTION("not by a sync of the directory that holds it") {
        cut_power(disk, kLoseAll);
        CHECK(disk.open("/")->status("f")->attributes.mode == 0600);
        CHECK(disk.open("/")->status("d")->attributes.mode == 0700);
    }
    SECTION("by a sync of the object") {
        root->change_file("f")->sync();
        root->open_directory("d")->sync();
        cut_power(disk, kLoseAll);
        CHECK(disk.open("/")->status("f")->attributes == wanted);
        CHECK(disk.open("/")->status("d")->attributes == wanted);
    }
}

TEST_CASE("a mounted file system is synced alone and nothing is renamed across its border", "[support]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_directory("m");
    disk.mount("/m");
    const auto mounted = disk.open("/m");
    CHECK(root->status(".")->device != mounted->status(".")->device);
    create(*mounted, "in", "x");
    create(*root, "out", "x");
    CHECK(error_of([&] { mounted->rename("in", *root, "in"); }) ==
          "/m/in: cannot rename to /in: Invalid cross-device link");
    CHECK(error_of([&] { root->exchange("m/in", *root, "out"); }) ==
          "/m/in: cannot exchange with /out: Invalid cross-device link");
    mounted->remove("in");
    CHECK(error_of([&] { root->remove("m"); }) == "/m: cannot remove: Device or resource busy");
    create(*mounted, "in", "x");
    mounted->sync_file_system();
    cut_power(disk, kLoseAll);
    CHECK(content_of(*disk.open("/m"), "in") == "x");
    CHECK_FALSE(disk.open("/")->status("out").has_value());
}

TEST_CASE("after power loss every call of every thread ends by it until the restart", "[support]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    settle(*root, "f", "x");
    const auto file = root->change_file("f");
    const std::uint64_t before = disk.operations();
    const bool finished = disk.run_until_power_loss(2, [&] {
        root->create_directory("first");
        try {
            root->create_directory("second");
        } catch (const PowerLoss&) {
        }
        CHECK_THROWS_AS(root->status("first"), PowerLoss);
        CHECK_THROWS_AS(file->write_at(0, base::as_bytes("y")), PowerLoss);
        bool thrown = false;
        std::thread other{[&] {
            try {
                root->list();
            } catch (const PowerLoss&) {
                thrown = true;
            }
        }};
        other.join();
        CHECK(thrown);
    });
    CHECK_FALSE(finished);
    CHECK(disk.operations() == before + 1);
    disk.restart(kKeepAll);
    CHECK_THROWS_AS(root->list(), PowerLoss);
    CHECK(names_of(*disk.open("/")) == std::vector<std::string>{"f", "first"});
    CHECK(disk.run_until_power_loss(3, [&] { disk.open("/")->create_directory("d"); }));
    CHECK_NOTHROW(disk.open("/")->create_directory("e"));
}

TEST_CASE("an error of the action passes through, but not one after power loss", "[support]") {
    MemoryDisk disk;
    CHECK_THROWS_AS(disk.run_until_power_loss(9, [&] { disk.open("/none"); }), base::Error);
    CHECK_FALSE(disk.run_until_power_loss(1, [&] {
        try {
            disk.open("/")->create_directory("d");
        } catch (const PowerLoss&) {
            throw base::Error{base::ErrorKind::io, "another thread was told"};
        }
    }));
}

TEST_CASE("writes beyond the capacity fail and change nothing", "[support]") {
    MemoryDisk disk;
    disk.set_capacity(10);
    const auto root = disk.open("/");
    const auto file = create(*root, "f", "12345678");
    CHECK(error_of([&] { file->write_at(8, base::as_bytes("901")); }) ==
          "/f: cannot write: No space left on device");
    file->write_at(8, base::as_bytes("90"));
    CHECK(root->space().free_bytes == 0);
    root->remove("f");
    CHECK(root->space().free_bytes == 10);
}

TEST_CASE("a fault strikes the operation that it was ordered for", "[support]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    create(*root, "f", "x");
    SECTION("once") {
        disk.fail(2, "rename", EIO);
        root->rename("f", *root, "g");
        CHECK(error_of([&] { root->rename("g", *root, "h"); }) ==
              "/g: cannot rename to /h: Input/output error");
        CHECK_NOTHROW(root->rename("g", *root, "h"));
    }
    SECTION("for ever") {
        disk.fail(1, "", EROFS, true);
        CHECK(error_of([&] { root->sync(); }) == "/: cannot sync: Read-only file system");
        CHECK(error_of([&] { root->remove("f"); }) == "/f: cannot remove: Read-only file system");
        CHECK(content_of(*root, "f") == "x");
    }
    SECTION("reading") {
        disk.fail(1, "read", EIO);
        CHECK(error_of([&] { content_of(*root, "f"); }) == "/f: cannot read: Input/output error");
    }
}

TEST_CASE("a sync that succeeds after a failed one has not saved the writes of before", "[support]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    const auto file = create(*root, "f", "x");
    disk.fail(1, "sync", EIO);
    CHECK_THROWS_AS(file->sync(), base::Error);
    file->sync();
    disk.open("/")->sync_file_system();
    CHECK(content_of(*root, "f") == "x");
    cut_power(disk, kLoseAll);
    CHECK(content_of(*disk.open("/"), "f").empty());
}

TEST_CASE("a sync that failed is heard of once by each directory that was open before", "[support]") {
    MemoryDisk disk;
    disk.open("/")->create_directory("mnt");
    disk.mount("/mnt");
    const auto first = disk.open("/");
    const auto second = disk.open("/");
    const auto elsewhere = disk.open("/mnt");
    const auto file = create(*disk.open("/"), "f", "x");
    disk.fail(1, "sync", EIO);
    SECTION("of the file system") { CHECK_THROWS_AS(first->sync_file_system(), base::Error); }
    SECTION("of a file") {
        CHECK_THROWS_AS(file->sync(), base::Error);
        CHECK_THROWS_AS(first->sync_file_system(), base::Error);
    }
    disk.open("/")->sync_file_system();
    first->sync_file_system();
    elsewhere->sync_file_system();
    CHECK(error_of([&] { second->sync_file_system(); }) ==
          "/: cannot sync the file system of: Input/output error");
    second->sync_file_system();
}

TEST_CASE("every allowed mixture of kept and lost changes occurs for some seed", "[support]") {
    std::map<std::string, int> seen;
    for (std::uint64_t seed = 2; seed < 200; ++seed) {
        MemoryDisk disk;
        settle(*disk.open("/"), "f", "old");
        disk.open("/")->change_file("f")->write_at(0, base::as_bytes("new longer"));
        disk.open("/")->rename("f", *disk.open("/"), "g");
        cut_power(disk, Seed{seed});
        const auto names = names_of(*disk.open("/"));
        REQUIRE(names.size() == 1);
        ++seen[names[0] + ":" + content_of(*disk.open("/"), names[0])];
    }
    for (const std::string name : {"f:", "g:"}) {
        CHECK(seen[name + "old"] > 0);
        CHECK(seen[name + "new longer"] > 0);
        CHECK(seen[name + std::string("old\0\0\0\0\0\0\0", 10)] > 0);
    }
    CHECK(seen["g:new "] > 0);
}

TEST_CASE("objects that nothing names any more are gone and numbers are not used again", "[support]") {
    MemoryDisk disk;
    create(*disk.open("/"), "f", "x");
    const auto lost = disk.open("/")->status("f")->inode;
    cut_power(disk, kLoseAll);
    create(*disk.open("/"), "f", "x");
    CHECK(disk.open("/")->status("f")->inode > lost);
}

}  // namespace
}  // namespace ft::test
