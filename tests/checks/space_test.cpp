#include "ft/checks/space.h"

#include <catch2/catch.hpp>

#include "ft/base/bytes.h"
#include "ft/base/error.h"
#include "support/memory_disk.h"

using namespace ft;

namespace {

bool fits(checks::Space& space, const os::Directory& directory, std::uint64_t bytes,
          const std::string& what = "tree data") {
    try {
        space.book(directory, what, bytes, 1);
        return true;
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::no_space);
        return false;
    }
}

}  // namespace

TEST_CASE("bookings on one file system are summed", "[checks]") {
    test::MemoryDisk disk;
    disk.set_capacity(1'000'000);
    const auto root = disk.open("/");
    checks::Space space;
    CHECK(fits(space, *root, 500'000));
    CHECK(!fits(space, *root, 500'000, "tree mail"));
}

TEST_CASE("a margin stays free", "[checks]") {
    test::MemoryDisk disk;
    disk.set_capacity(1'000'000);
    const auto root = disk.open("/");
    checks::Space space;
    CHECK(!fits(space, *root, 960'000));
}

TEST_CASE("file systems are booked apart", "[checks]") {
    test::MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_directory("a");
    disk.mount("/a");
    disk.set_capacity(1'000'000);
    const auto mounted = disk.open("/a");
    checks::Space space;
    CHECK(fits(space, *root, 600'000));
    CHECK(fits(space, *mounted, 600'000));
}

TEST_CASE("what was booked and lies on the disk now does not count twice", "[checks]") {
    test::MemoryDisk disk;
    disk.set_capacity(1'000'000);
    const auto root = disk.open("/");
    checks::Space space;
    CHECK(fits(space, *root, 600'000));
    root->create_file("fetched")->write_at(0, base::Bytes(600'000, std::byte{1}));
    space.begin_again();
    CHECK(fits(space, *root, 300'000));
    CHECK(!fits(space, *root, 300'000, "tree mail"));
}

TEST_CASE("what is booked again for the same object counts once, at its largest", "[checks]") {
    test::MemoryDisk disk;
    disk.set_capacity(1'000'000);
    const auto root = disk.open("/");
    checks::Space space;
    CHECK(fits(space, *root, 600'000));
    CHECK(fits(space, *root, 300'000));
    CHECK(fits(space, *root, 700'000));
    CHECK(fits(space, *root, 200'000, "tree mail"));
    CHECK(!fits(space, *root, 900'000));
}

TEST_CASE("what ft could free on that file system, and only there, is part of the advice", "[checks]") {
    test::MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_directory("a");
    disk.mount("/a");
    disk.set_capacity(1'000'000);
    const auto there = disk.open("/a")->space().pool;
    const auto elsewhere = root->space().pool;
    int asked = 0;
    checks::Space space{[&] {
        ++asked;
        return std::vector<checks::Freeable>{
            {there, 250'000, "`this` frees"}, {elsewhere, 9, "not that"}, {there, 0, "nor this"}};
    }};
    CHECK(fits(space, *disk.open("/a"), 600'000));
    CHECK(asked == 0);
    try {
        space.book(*disk.open("/a"), "more", 600'000, 1);
        FAIL("more than fits");
    } catch (const base::Error& error) {
        CHECK(error.advice() ==
              "`this` frees (0.2 MB). Free space on that file system, then run the same command again.");
    }
}
