#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "ft/base/error.h"
#include "os/temporary.h"
#include "support/memory_disk.h"

using namespace ft::os;
using ft::base::Error;
using ft::test::Temporary;

TEST_CASE("remove_all takes everything beneath and follows no link", "[os]") {
    Temporary at;
    at.root().create_directory("outside");
    at.file("outside/kept", "kept");
    make_directories(at.root(), "gone/a/b/c");
    make_directories(at.root(), "gone/closed/inner");
    at.file("gone/a/file", "x");
    at.file("gone/closed/inner/file", "x");
    at.root().create_symlink("gone/a/link", at.path("outside"));
    at.root().create_special("gone/fifo", FileType::fifo, 0, 0);
    REQUIRE(::chmod(at.path("gone/closed").c_str(), 0) == 0);
    remove_all(at.root(), "gone");
    CHECK(at.read().status("gone") == std::nullopt);
    CHECK(at.content("outside/kept") == "kept");
    CHECK_NOTHROW(remove_all(at.root(), "gone"));
    at.root().create_symlink("link", "outside");
    remove_all(at.root(), "link");
    CHECK(at.read().status("link") == std::nullopt);
    CHECK(at.content("outside/kept") == "kept");
}

TEST_CASE("remove_all does not empty what is mounted in a directory", "[os]") {
    ft::test::MemoryDisk disk;
    const auto root = disk.open("/");
    make_directories(*root, "goes/mounted");
    disk.mount("/goes/mounted");
    write_whole(*disk.open("/goes/mounted"), "stays", "x");
    CHECK_THROWS_AS(remove_all(*root, "goes"), Error);
    CHECK_THROWS_AS(remove_all(*root, "goes/mounted"), Error);
    CHECK(read_all(*disk.open("/goes/mounted"), "stays", 10) == "x");
}

TEST_CASE("remove_all reaches a depth of hundreds of directories", "[os]") {
    Temporary at;
    std::string path = "d";
    while (path.size() < 1000) path += "/d";
    make_directories(at.root(), path);
    remove_all(at.root(), "d");
    CHECK(at.read().list().empty());
}

TEST_CASE("make_directories makes what is missing for the owner only, and opens what is there", "[os]") {
    Temporary at;
    at.root().create_directory("a");
    at.root().set_attributes("a", {.mode = 0755});
    make_directories(at.root(), "a/b/c")->create_file("file");
    CHECK(at.read().status("a").value().attributes.mode == 0755);
    CHECK(at.read().status("a/b").value().attributes.mode == 0700);
    CHECK(make_directories(at.root(), "a/b/c")->status("file").has_value());
    CHECK(make_directories(at.root(), ".")->status("a").has_value());
    at.root().create_symlink("link", "a");
    CHECK_THROWS_AS(make_directories(at.root(), "link/x"), Error);
    CHECK_THROWS_AS(make_directories(at.root(), "link"), Error);
}

TEST_CASE("read_all gives everything up to its limit and refuses more", "[os]") {
    Temporary at;
    const std::string content(200'000, 'x');
    at.file("file", content);
    CHECK(read_all(at.read(), "file", 200'000) == content);
    CHECK_THROWS_WITH(read_all(at.read(), "file", 199'999), at.path("file") + ": longer than 199999 bytes");
    at.file("empty", "");
    CHECK(read_all(at.read(), "empty", 0).empty());
}

TEST_CASE("write_whole replaces a file in one step and leaves nothing else", "[os]") {
    Temporary at;
    at.root().create_directory("d");
    write_whole(at.root(), "d/state", "first");
    CHECK(at.content("d/state") == "first");
    const auto held = at.read().open_file("d/state");
    at.file("d/state.new", "what a crash left");
    write_whole(at.root(), "d/state", "second");
    CHECK(at.content("d/state") == "second");
    std::array<std::byte, 10> old{};
    CHECK(held->read_at(0, old) == 5);  // whoever has the old one open keeps it whole
    CHECK(at.read().status("d/state").value().attributes.mode == 0600);
    CHECK(at.read().open_directory("d")->list().size() == 1);
}

TEST_CASE("write_whole that fails leaves the old file and no other", "[os]") {
    Temporary at;
    at.root().create_directory("state");
    at.file("state/inner", "x");
    CHECK_THROWS_AS(write_whole(at.root(), "state/inner/below", "x"), Error);
    CHECK(at.content("state/inner") == "x");
    CHECK(at.read().list().size() == 1);
}
