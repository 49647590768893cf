#include <catch2/catch.hpp>

#include "ft/base/bytes.h"
#include "ft/base/error.h"
#include "support/error_of.h"
#include "support/memory_disk.h"

namespace ft::test {
namespace {

using base::FileType;

const base::Attributes kSome{.mode = 0640, .uid = 10, .gid = 20, .mtime = {1234, 567}};
const base::Attributes kOther{.mode = 02755, .uid = 0, .gid = 33, .mtime = {-1, 999999999}};
const base::Attributes kOfLink{.mode = 0, .uid = 1, .gid = 2, .mtime = {77, 0}};

const Tree kTree{
    {".", {FileType::directory, kOther, ""}},
    {"a", {FileType::directory, kSome, ""}},
    {"a/file", {FileType::regular, kSome, std::string(10000, 'q')}},
    {"a.b", {FileType::regular, kOther, ""}},
    {"a/link", {FileType::symlink, kOfLink, "../nowhere"}},
    {"disk", {FileType::block_device, kSome, "8:300"}},
    {"null", {FileType::character_device, kSome, "1:3"}},
    {"pipe", {FileType::fifo, kSome, ""}},
    {"sock", {FileType::socket, kSome, ""}},
    {"\xff\n", {FileType::regular, kSome, "odd name"}},
};

TEST_CASE("a tree that was written is read back the same, also after power loss", "[support]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_directory("t");
    const auto directory = disk.open("/t");
    directory->create_directory("old");
    directory->create_file("old/file");
    root->sync();
    write_tree(*directory, kTree);
    CHECK(read_tree(*directory) == kTree);
    disk.lose_power();
    disk.restart(Seed{0});
    CHECK(read_tree(*disk.open("/t")) == kTree);
}

TEST_CASE("reading a tree leaves out the one name in its root only", "[support]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_directory(".ft-staging");
    root->create_directory("d");
    root->create_directory("d/.ft-staging");
    const Tree tree = read_tree(*root);
    CHECK(tree.size() == 3);
    CHECK(tree.contains("d/.ft-staging"));
}

TEST_CASE("no link is followed on the way and none is opened", "[support]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_directory("d");
    root->create_file("d/f");
    root->create_symlink("link", "d");
    CHECK(error_of([&] { root->open_file("link/f"); }) ==
          "/link/f: changed while it was read: it is no regular file");
    CHECK(error_of([&] { root->open_directory("link"); }) == "/link: cannot open: Not a directory");
    CHECK(error_of([&] { root->open_file("link"); }) ==
          "/link: changed while it was read: it is no regular file");
    CHECK(error_of([&] { root->open_file("../d/f"); }) == "/../d/f: a path with a component that is . or ..");
    CHECK(error_of([&] { root->open_directory("link/e"); }) ==
          "/link/e: cannot open: Too many levels of symbolic links");
    CHECK(root->status("link")->type == FileType::symlink);
    CHECK(root->read_link("link") == "d");
}

TEST_CASE("a missing object has no status, and none below a file either", "[support]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_file("f");
    CHECK_FALSE(root->status("none").has_value());
    CHECK_FALSE(root->status("none/x").has_value());
    CHECK_FALSE(root->status("f/x").has_value());
    CHECK(error_of([&] { root->open_file("none"); }) == "/none: cannot open: No such file or directory");
}

TEST_CASE("what exists is not created again and not renamed over", "[support]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_file("a");
    root->create_file("b");
    CHECK(error_of([&] { root->create_directory("a"); }) == "/a: cannot create: File exists");
    CHECK(error_of([&] { root->rename("a", *root, "b"); }) == "/a: cannot rename to /b: File exists");
    CHECK(error_of([&] { root->exchange("a", *root, "c"); }) ==
          "/a: cannot exchange with /c: No such file or directory");
    root->rename("a", *root, "c");
    CHECK_FALSE(root->status("a").has_value());
}

TEST_CASE("a directory with names in it is not removed, and not moved into itself", "[support]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_directory("d");
    root->create_directory("d/e");
    CHECK(error_of([&] { root->remove("d"); }) == "/d: cannot remove: Directory not empty");
    CHECK(error_of([&] { root->rename("d", *root, "d/e/f"); }) ==
          "/d: cannot rename to /d/e/f: Invalid argument");
    CHECK(error_of([&] { root->exchange("d", *root, "d/e"); }) ==
          "/d: cannot exchange with /d/e: Invalid argument");
    const auto handle = root->open_directory("d/e");
    root->remove("d/e");
    CHECK(error_of([&] { handle->create_file("f"); }) == "/d/e/f: cannot create: No such file or directory");
    root->remove("d");
    CHECK(root->list().empty());
}

TEST_CASE("holes are read as zeros and take no room", "[support]") {
    MemoryDisk disk;
    const auto file = disk.open("/")->create_file("f");
    file->set_size(std::uint64_t{1} << 40);
    file->write_at(8000, base::as_bytes(std::string(400, 'x')));
    CHECK(file->status().size == std::uint64_t{1} << 40);
    CHECK(file->status().allocated == 8192);
    std::string around(500, '?');
    CHECK(file->read_at(7950, std::as_writable_bytes(std::span{around})) == 500);
    CHECK(around == std::string(50, '\0') + std::string(400, 'x') + std::string(50, '\0'));
    file->set_size(8100);
    file->set_size(9000);
    around.assign(500, '?');
    CHECK(file->read_at(8000, std::as_writable_bytes(std::span{around})) == 500);
    CHECK(around == std::string(100, 'x') + std::string(400, '\0'));
}

TEST_CASE("a file that was removed while it is open can still be read and written", "[support]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    const auto file = root->create_file("f");
    root->remove("f");
    file->write_at(0, base::as_bytes("still"));
    CHECK(file->status().size == 5);
    CHECK(file->status().links == 0);
}

}  // namespace
}  // namespace ft::test
