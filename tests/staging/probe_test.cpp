#include "ft/staging/probe.h"

#include <catch2/catch.hpp>
#include <cerrno>

#include "ft/base/error.h"
#include "staging/tree.h"

namespace ft::staging {
namespace {

using base::ErrorKind;

TEST_CASE("a file system that can all that a commit needs is left as it was", "[staging]") {
    test::MemoryDisk disk;
    const auto root = disk.open("/");
    const auto reserved = open_reserved(*root);
    require_exact(*reserved);
    CHECK(reserved->list().empty());
}

TEST_CASE("what a commit needs and a file system refuses is found before anything is staged", "[staging]") {
    test::MemoryDisk disk;
    const auto root = disk.open("/");
    const auto reserved = open_reserved(*root);
    const auto [kind, code, text] = GENERATE(table<const char*, int, const char*>({
        {"exchange", EINVAL, "cannot exchange"},
        {"create", EACCES, "cannot create"},
    }));
    disk.fail(1, kind, code, true);
    try {
        require_exact(*reserved);
        FAIL("it is refused");
    } catch (const base::Error& error) {
        CHECK(error.kind() == (code == EACCES ? ErrorKind::permission : ErrorKind::io));
        CHECK_THAT(error.what(), Catch::Contains(text));
        CHECK_THAT(error.advice(), Catch::Contains("capabilities"));
    }
    CHECK(reserved->list().empty());
}

TEST_CASE("a tree without owners needs no right to give them", "[staging]") {
    test::MemoryDisk disk;
    const auto root = disk.open("/");
    const auto reserved = open_reserved(*root);
    disk.fail(1, "attributes", EPERM, true);
    require_exact(*reserved);
    CHECK(reserved->list().empty());
}

TEST_CASE("a disk without room is told as that", "[staging]") {
    test::MemoryDisk disk;
    const auto root = disk.open("/");
    const auto reserved = open_reserved(*root);
    disk.fail(1, GENERATE("create", "attributes"), ENOSPC);
    try {
        require_exact(*reserved);
        FAIL("it is refused");
    } catch (const base::Error& error) {
        CHECK(error.kind() == ErrorKind::no_space);
    }
    CHECK(reserved->list().empty());
}

}  // namespace
}  // namespace ft::staging
