#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "ft/base/error.h"
#include "os/temporary.h"

using namespace ft::os;
using ft::base::Error;
using ft::test::Temporary;

namespace {

constexpr uid_t kNobody = 65534;

}  // namespace

TEST_CASE("a root is reached through links of root, not through those of others", "[os]") {
    Temporary at;
    at.root().create_directory("real");
    at.file("real/file", "content");
    at.root().create_directory("other");
    at.root().create_symlink("absolute", at.path("real"));
    at.root().create_symlink("other/relative", "../absolute/../real");
    CHECK(read_all(*at.machine().open_root_to_read(at.path("other/relative")), "file", 10) == "content");
    REQUIRE(::lchown(at.path("absolute").c_str(), kNobody, kNobody) == 0);
    CHECK_THROWS_WITH(at.machine().open_root(at.path("other/relative")),
                      Catch::Contains("a symbolic link that belongs to another user is on the way"));
    CHECK_THROWS_AS(at.machine().make_root(at.path("absolute/new")), Error);
    CHECK(at.read().status("real/new") == std::nullopt);
}

TEST_CASE("links that lead in a circle end", "[os]") {
    Temporary at;
    at.root().create_symlink("a", "b");
    at.root().create_symlink("b", "a");
    CHECK_THROWS_WITH(at.machine().open_root(at.path("a")),
                      Catch::Contains("Too many levels of symbolic links"));
}

TEST_CASE("what is missing, no directory or not absolute is no root", "[os]") {
    Temporary at;
    at.file("file", "");
    CHECK_THROWS_WITH(at.machine().open_root(at.path("missing/x")),
                      at.path("missing/x") + ": cannot open: No such file or directory");
    CHECK_THROWS_WITH(at.machine().open_root(at.path("file")),
                      at.path("file") + ": cannot open: Not a directory");
    CHECK_THROWS_AS(at.machine().open_root("relative"), Error);
    CHECK_THROWS_AS(at.machine().open_root(""), Error);
    CHECK(at.machine().open_root("/")->status("tmp").has_value());
    CHECK(at.machine().open_root(at.path() + "//./")->list().size() == 1);
}

TEST_CASE("make_root tells what it made, whatever the umask, and remove_root takes it back", "[os]") {
    Temporary at;
    at.root().create_directory("there");
    const Attributes there{0751, 0, 0, {1'000'000'000, 123'456'789}};
    at.root().set_attributes("there", there);
    const mode_t before = ::umask(0077);
    const auto made = at.machine().make_root(at.path("there/a//b/"));
    ::umask(before);
    CHECK(made == std::vector<std::string>{at.path("there/a"), at.path("there/a/b")});
    CHECK(at.read().status("there/a/b").value().attributes.mode == 0755);
    CHECK(at.machine().make_root(at.path("there/a/b")).empty());
    CHECK(at.read().status("there").value().attributes == there);
    at.machine().remove_root(at.path("there/a"));  // not empty
    CHECK(at.read().status("there/a/b").has_value());
    at.machine().remove_root(at.path("there/a/b") + "/");
    at.machine().remove_root(at.path("there/a"));
    at.machine().remove_root(at.path("there/a/b"));  // nor its parent
    CHECK(at.read().status("there/a") == std::nullopt);
    CHECK(at.read().status("there").value().attributes == there);
    at.root().create_symlink("link", "there");
    at.machine().remove_root(at.path("link"));  // is no directory
    CHECK(at.read().status("link").has_value());
    CHECK(at.read().status("there").has_value());
}

TEST_CASE("make_root that fails leaves nothing behind", "[os]") {
    Temporary at;
    CHECK_THROWS_AS(at.machine().make_root(at.path("a/b/" + std::string(256, 'n'))), Error);
    CHECK(at.read().list().empty());
    at.file("file", "");
    CHECK_THROWS_AS(at.machine().make_root(at.path("file")), Error);
    CHECK(at.content("file").empty());
}

TEST_CASE("a lock keeps others out until it is given back", "[os]") {
    Temporary at;
    auto lock = at.machine().lock(at.path());
    REQUIRE(lock);
    CHECK_FALSE(at.machine().lock(at.path()));
    ft::base::Cancellation never;
    const Finished other =
        at.machine().processes().run({.arguments = {"flock", "-n", at.path(), "true"}}, never);
    CHECK(other.status == 1);
    lock.reset();
    CHECK(at.machine().lock(at.path()));
    CHECK(at.read().list().empty());
}
