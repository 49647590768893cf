#include <fcntl.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstddef>
#include <set>

#include "ft/base/acl.h"
#include "ft/base/error.h"
#include "ft/base/extended.h"
#include "os/temporary.h"

using namespace ft;
using namespace ft::os;
using ft::base::Error;
using ft::base::ErrorKind;
using ft::test::Temporary;

namespace {

ErrorKind kind_of_failure(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.kind();
    }
    FAIL("nothing was refused");
    return ErrorKind::internal;
}

std::set<std::string> names_in(const Directory& directory) {
    std::set<std::string> names;
    for (const Name& entry : directory.list()) names.insert(entry.name);
    return names;
}

}  // namespace

TEST_CASE("no function follows a link that was planted on the way", "[os]") {
    Temporary at;
    at.root().create_directory("real");
    at.file("real/secret", "precious");
    at.root().create_symlink("way", at.path("real"));
    at.root().create_symlink("leaf", "real/secret");
    at.root().create_symlink("up", "..");
    at.file("mine", "mine");
    Directory& root = at.root();

    CHECK(kind_of_failure([&] { at.read().open_file("way/secret"); }) == ErrorKind::io);
    CHECK(kind_of_failure([&] { at.read().open_file("leaf"); }) == ErrorKind::io);
    CHECK(kind_of_failure([&] { root.change_file("leaf"); }) == ErrorKind::io);
    CHECK(kind_of_failure([&] { at.read().open_directory("way"); }) == ErrorKind::io);
    CHECK(kind_of_failure([&] { at.read().open_directory("up"); }) == ErrorKind::io);
    CHECK(kind_of_failure([&] { root.create_file("way/new"); }) == ErrorKind::io);
    CHECK(kind_of_failure([&] { root.create_directory("way/new"); }) == ErrorKind::io);
    CHECK(kind_of_failure([&] { root.create_symlink("way/new", "x"); }) == ErrorKind::io);
    CHECK(kind_of_failure([&] { root.create_special("way/new", FileType::fifo, 0, 0); }) == ErrorKind::io);
    CHECK(kind_of_failure([&] { root.remove("way/secret"); }) == ErrorKind::io);
    CHECK(kind_of_failure([&] { root.rename("mine", root, "way/new"); }) == ErrorKind::io);
    CHECK(kind_of_failure([&] { root.rename("way/secret", root, "new"); }) == ErrorKind::io);
    CHECK(kind_of_failure([&] { root.exchange("mine", root, "way/secret"); }) == ErrorKind::io);
    CHECK(kind_of_failure([&] { root.set_attributes("way/secret", {.mode = 0777}); }) == ErrorKind::io);
    CHECK(at.read().status("way/secret") == std::nullopt);
    CHECK(names_in(*at.read().open_directory("real")) == std::set<std::string>{"secret"});
    CHECK(at.content("real/secret") == "precious");
}

TEST_CASE("paths that lead outside are refused", "[os]") {
    Temporary at;
    at.root().create_directory("a");
    for (const std::string path : {"../x", "a/../../x", "/etc/passwd", "", "a//b", "a/", "..", "a/."}) {
        INFO(path);
        CHECK_THROWS_AS(at.read().status(path), Error);
        CHECK_THROWS_AS(at.read().open_file(path), Error);
        CHECK_THROWS_AS(at.root().create_directory(path), Error);
    }
    CHECK_THROWS_AS(at.read().status(std::string_view("a\0b", 3)), Error);
}

TEST_CASE("only regular files are opened, and a FIFO or device keeps nobody waiting", "[os]") {
    Temporary at;
    at.root().create_special("fifo", FileType::fifo, 0, 0);
    at.root().create_special("socket", FileType::socket, 0, 0);
    at.root().create_special("null", FileType::character_device, 1, 3);
    at.root().create_special("nothing", FileType::block_device, 4000, 77);
    at.root().create_directory("directory");
    for (const std::string name : {"fifo", "socket", "null", "nothing", "directory"}) {
        INFO(name);
        CHECK_THROWS_WITH(at.read().open_file(name), Catch::Contains("changed while it was read"));
        CHECK_THROWS_WITH(at.root().change_file(name), Catch::Contains("changed while it was read"));
    }
    CHECK_THROWS_WITH(at.read().open_file("missing"),
                      at.path("missing") + ": cannot open: No such file or directory");
}

TEST_CASE("status tells what an object is", "[os]") {
    Temporary at;
    at.file("file", "12345");
    REQUIRE(::mknod(at.path("device").c_str(), S_IFBLK | 0640, makedev(259, 300)) == 0);
    at.root().create_symlink("link", "some target");
    REQUIRE(::link(at.path("file").c_str(), at.path("other name").c_str()) == 0);

    const Status file = at.read().status("file").value();
    CHECK(file.type == FileType::regular);
    CHECK(file.size == 5);
    CHECK(file.links == 2);
    CHECK(file.inode == at.read().status("other name").value().inode);
    const Status device = at.read().status("device").value();
    CHECK(device.type == FileType::block_device);
    CHECK(device.device_major == 259);
    CHECK(device.device_minor == 300);
    CHECK(device.size == 0);
    const Status link = at.read().status("link").value();
    CHECK(link.type == FileType::symlink);
    CHECK(link.size == 11);
    CHECK(at.read().read_link("link") == "some target");
    CHECK(at.read().status(".").value().type == FileType::directory);
    CHECK(at.read().status("missing") == std::nullopt);
    CHECK(at.read().status("missing/below") == std::nullopt);
    CHECK(at.read().status("file/below") == std::nullopt);
}

TEST_CASE("any two objects are exchanged in one step", "[os]") {
    Temporary at;
    at.file("file", "content");
    at.root().create_directory("directory");
    at.root().create_directory("directory/inner");
    at.root().exchange("file", at.root(), "directory");
    CHECK(at.content("directory") == "content");
    CHECK(at.read().status("file/inner").value().type == FileType::directory);
    CHECK_THROWS_AS(at.root().exchange("file", at.root(), "missing"), Error);
    const auto inner = at.root().open_directory("file/inner");
    at.root().exchange("directory", *at.root().open_directory("file"), "inner");
    CHECK(at.content("file/inner") == "content");
}

TEST_CASE("rename never replaces", "[os]") {
    Temporary at;
    at.file("a", "a");
    at.file("b", "b");
    CHECK_THROWS_WITH(at.root().rename("a", at.root(), "b"),
                      at.path("a") + ": cannot rename to " + at.path("b") + ": File exists");
    CHECK(at.content("b") == "b");
    at.root().create_directory("deep");
    const auto deep = at.root().open_directory("deep");
    at.root().rename("a", *deep, "moved");
    CHECK(at.content("deep/moved") == "a");
    CHECK(at.read().status("a") == std::nullopt);
}

TEST_CASE("create functions refuse a name that exists, a dangling link too", "[os]") {
    Temporary at;
    at.root().create_symlink("taken", at.path("elsewhere"));
    CHECK_THROWS_AS(at.root().create_file("taken"), Error);
    CHECK_THROWS_AS(at.root().create_directory("taken"), Error);
    CHECK_THROWS_AS(at.root().create_symlink("taken", "x"), Error);
    CHECK_THROWS_AS(at.root().create_special("taken", FileType::fifo, 0, 0), Error);
    CHECK(at.read().status("elsewhere") == std::nullopt);
}

TEST_CASE("attributes are set whole, setuid bits and nanoseconds included", "[os]") {
    Temporary at;
    const Attributes wanted{.mode = 06751, .uid = 1234, .gid = 4321, .mtime = {-5, 123456789}};
    at.root().create_file("by handle")->set_attributes(wanted);
    at.file("by path", "x");
    at.root().set_attributes("by path", wanted);
    at.root().create_directory("directory");
    at.root().create_directory("directory/below");
    at.root().set_attributes("directory/below", wanted);
    at.root().create_special("fifo", FileType::fifo, 0, 0);
    at.root().set_attributes("fifo", wanted);
    for (const std::string name : {"by handle", "by path", "directory/below", "fifo"}) {
        INFO(name);
        CHECK(at.read().status(name).value().attributes == wanted);
    }
}

TEST_CASE("the attributes of a link are its own, and its target keeps its", "[os]") {
    Temporary at;
    at.file("target", "x");
    const Status before = at.read().status("target").value();
    at.root().create_symlink("link", "target");
    at.root().set_attributes("link", {.mode = 0777, .uid = 7, .gid = 8, .mtime = {1000, 5}});
    CHECK(at.read().status("link").value().attributes == Attributes{0777, 7, 8, {1000, 5}});
    CHECK(at.read().status("target").value().attributes == before.attributes);
}

TEST_CASE("any name that a file system takes works", "[os]") {
    Temporary at;
    const std::set<std::string> names{
        "new\nline", std::string(255, 'n'), "\xff\xfe", " ", "-rf", "...", "a\\b", "*"};
    for (const std::string& name : names) at.root().create_file(name)->write_at(0, ft::base::as_bytes(name));
    CHECK(names_in(at.read()) == names);
    for (const std::string& name : names) CHECK(read_all(at.read(), name, 1000) == name);
    CHECK_THROWS_WITH(at.read().open_file("no\nfile"), Catch::Contains("no\\x0afile"));
    for (const std::string& name : names) at.root().remove(name);
    CHECK(names_in(at.read()).empty());
}

TEST_CASE("a path of 4095 bytes works from end to end", "[os]") {
    Temporary at;
    std::string path(255, 'd');
    while (path.size() < 3840) path += "/" + std::string(255, 'd');
    path = path.substr(0, 3839);
    const auto deep = make_directories(at.root(), path);
    const std::string file = path + "/" + std::string(255, 'f');
    REQUIRE(file.size() == 4095);
    at.root().create_file(file)->write_at(0, ft::base::as_bytes("deep"));
    CHECK(read_all(at.read(), file, 10) == "deep");
    CHECK(at.read().status(file).value().size == 4);
    CHECK(deep->list().size() == 1);
    remove_all(at.root(), path.substr(0, 255));
    CHECK(names_in(at.read()).empty());
}

TEST_CASE("holes stay holes and reads fill everything up to the end", "[os]") {
    Temporary at;
    const auto file = at.root().create_file("sparse");
    file->set_size(1 << 30);
    file->write_at((1 << 30) - 3, ft::base::as_bytes("end"));
    const Status status = file->status();
    CHECK(status.size == 1 << 30);
    CHECK(status.allocated < (1 << 20));
    std::array<std::byte, 10> buffer{};
    CHECK(file->read_at((1 << 30) - 6, buffer) == 6);
    CHECK(ft::base::as_text(std::span{buffer}.first(6)) == std::string_view("\0\0\0end", 6));
    CHECK(file->read_at(1 << 30, buffer) == 0);
    const std::uint64_t data = file->data_from(0);
    CHECK(data > (1 << 29));
    CHECK(data <= (1 << 30) - 3);
    CHECK(file->data_from((1 << 30) - 1) == (1 << 30) - 1);
    CHECK(file->data_from(1 << 30) == 1 << 30);
    file->set_size(std::uint64_t{1} << 31);
    CHECK(file->data_from((1 << 30) + 65536) == std::uint64_t{1} << 31);
    CHECK(file->data_from(std::uint64_t{1} << 32) == std::uint64_t{1} << 32);
    file->sync();
    file->set_size(2);
    CHECK(at.read().status("sparse").value().size == 2);
}

TEST_CASE("reading leaves the access time alone", "[os]") {
    Temporary at;
    at.file("file", "content");
    const timespec old[2] = {{1000000, 0}, {2000000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, at.path("file").c_str(), old, 0) == 0);
    CHECK(read_all(at.read(), "file", 100) == "content");
    struct stat now;
    REQUIRE(::stat(at.path("file").c_str(), &now) == 0);
    CHECK(now.st_atim.tv_sec == 1000000);
}

TEST_CASE("a directory can be listed again and again, at any time and by several holders", "[os]") {
    Temporary at;
    for (int i = 0; i < 1000; ++i) at.root().create_file("file" + std::to_string(i));
    CHECK(at.read().list().size() == 1000);
    CHECK(at.read().list().size() == 1000);
    at.root().remove("file7");
    CHECK(at.read().list().size() == 999);
    CHECK(at.read().list()[0].inode == at.read().status(at.read().list()[0].name).value().inode);
}

TEST_CASE("a directory is removed only when it is empty", "[os]") {
    Temporary at;
    at.root().create_directory("d");
    at.file("d/x", "");
    CHECK_THROWS_WITH(at.root().remove("d"), at.path("d") + ": cannot remove: Directory not empty");
    at.root().remove("d/x");
    at.root().remove("d");
    CHECK_THROWS_AS(at.root().remove("d"), Error);
}

TEST_CASE("a directory that was moved is still the one that is held", "[os]") {
    Temporary at;
    at.root().create_directory("before");
    const auto held = at.root().open_directory("before");
    at.root().rename("before", at.root(), "after");
    held->create_file("file");
    held->sync();
    held->sync_file_system();
    CHECK(at.read().status("after/file").has_value());
}

TEST_CASE("a file system tells its room", "[os]") {
    Temporary at;
    const Space space = at.read().space();
    CHECK(space.free_bytes > 0);
    CHECK(space.total_bytes >= space.free_bytes);
    CHECK(space.free_inodes > 0);
    at.root().create_directory("below");
    CHECK(at.read().open_directory("below")->space().pool == space.pool);
}

TEST_CASE("extended attributes are read where the kernel knows no listxattrat", "[os]") {
    const int refusal = GENERATE(ENOSYS, EPERM);
    Temporary at;
    at.file("file", "");
    at.root().create_symlink("link", "file");
    const std::string packed = base::pack({{"trusted.t", "value"}});
    for (const char* name : {"file", "link"}) at.root().set_extended(name, packed);
    // What the program learns of its kernel stays in the child.
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::array<sock_filter, 4> program{{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 465, 0, 1),
                                            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | refusal),
                                            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
        const sock_fprog filter{program.size(), program.data()};
        if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
            ::_exit(2);
        try {
            const bool same = at.read().extended("file") == packed && at.read().extended("link") == packed &&
                              at.read().extended(".").empty();
            ::_exit(same ? 0 : 1);
        } catch (...) {
            ::_exit(3);
        }
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

TEST_CASE("extended attributes of every kind of object are read and set as they are", "[os]") {
    Temporary at;
    at.file("file", "content");
    at.root().create_directory("directory");
    at.root().create_symlink("link", "file");
    at.root().create_special("fifo", FileType::fifo, 0, 0);
    const std::string acl = base::to_kernel({.user = 6,
                                             .group = 4,
                                             .mask = 6,
                                             .other = 0,
                                             .named = {{.id = 70, .permissions = 6},
                                                       {.id = 9, .user = true, .permissions = 6},
                                                       {.id = 8, .user = true, .permissions = 4}}});
    const std::string long_value(3000, 'L');
    const std::string_view capability{"\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20};
    const std::string of_file = base::pack({{"user.b", "short"},
                                            {"user.a", long_value},
                                            {"user.empty", ""},
                                            {"trusted.t", "t"},
                                            {"security.capability", capability},
                                            {base::kAccessAcl, acl}});
    const std::string of_directory =
        base::pack({{base::kDefaultAcl, acl}, {base::kAccessAcl, acl}, {"user.d", "d"}});
    const std::string of_link = base::pack({{"trusted.t", "t"}});
    const std::pair<std::string, std::string> objects[] = {
        {"file", of_file}, {"directory", of_directory}, {"link", of_link}, {"fifo", of_link}};
    for (const auto& [name, packed] : objects) {
        INFO(name);
        CHECK(at.read().extended(name).empty());
        at.root().set_attributes(name, {06750, 5, 6, {7, 8}});
        at.root().set_extended(name, packed);
        CHECK(at.read().extended(name) == packed);
        const Status status = at.read().status(name).value();
        CHECK(status.attributes.mtime == Timestamp{7, 8});
        if (packed != of_link) CHECK(status.attributes.mode == 06660);  // the ACL shows in it
        at.root().set_extended(name, base::pack({{"trusted.t", "another"}}));
        CHECK(at.read().extended(name) == base::pack({{"trusted.t", "another"}}));
        at.root().set_extended(name, {});
        CHECK(at.read().extended(name).empty());
    }
    CHECK(at.read().open_directory("directory")->extended(".").empty());
    at.root().change_file("file")->set_extended(of_file);
    CHECK(at.read().extended("file") == of_file);
    at.root().create_directory("directory/below");
    at.root().set_extended("directory/below", of_directory);
    CHECK(at.read().extended("directory/below") == of_directory);
    CHECK(at.read().open_directory("directory/below")->extended(".") == of_directory);
    CHECK_THROWS_WITH(at.read().extended("none"), Catch::Contains("none: cannot list the extended"));
    CHECK_THROWS_WITH(at.root().set_extended("link", base::pack({{"user.a", "1"}})),
                      Catch::Contains("link: cannot set the extended attribute user.a: "));
}

TEST_CASE("what a replica does not carry is neither read nor removed", "[os]") {
    Temporary at;
    at.file("file", "");
    for (const char* name : {"user.rsync.%stat", "security.evm", "user.mine"})
        REQUIRE(::setxattr(at.path("file").c_str(), name, "1", 1, 0) == 0);
    CHECK(at.read().extended("file") == base::pack({{"user.mine", "1"}}));
    at.root().set_extended("file", {});
    CHECK(::getxattr(at.path("file").c_str(), "user.rsync.%stat", nullptr, 0) == 1);
    CHECK(::getxattr(at.path("file").c_str(), "user.mine", nullptr, 0) == -1);
    for (const char* name :
         {"trusted.SGI_ACL_FILE", "btrfs.compression", "system.nfs4_acl", "user.", "other"})
        CHECK_FALSE(base::is_carried(name));
    for (const char* name : {"trusted.overlay.opaque", "security.capability", "system.posix_acl_access"})
        CHECK(base::is_carried(name));
}

TEST_CASE("an object has its label where the wanted one has none", "[os]") {
    const std::string label = base::pack({{"security.selinux", "l"}, {"user.a", "1"}});
    const std::string none = base::pack({{"user.a", "1"}});
    CHECK(base::fits_extended(none, label));
    CHECK_FALSE(base::fits_extended(label, none));
    CHECK_FALSE(base::fits_extended(base::pack({{"security.selinux", "m"}, {"user.a", "1"}}), label));
    CHECK_FALSE(base::fits_extended({}, none));
}

TEST_CASE("a directory inherits no ACL, nor does what is made in it", "[os]") {
    Temporary at;
    // Version 2, then tag, permissions, id: owner, user 65534, group, mask, others.
    const std::array<unsigned char, 44> acl{2,    0,    0,    0,    1,    0,    7,    0,    0xff, 0xff, 0xff,
                                            0xff, 2,    0,    7,    0,    0xfe, 0xff, 0,    0,    4,    0,
                                            5,    0,    0xff, 0xff, 0xff, 0xff, 0x10, 0,    7,    0,    0xff,
                                            0xff, 0xff, 0xff, 0x20, 0,    5,    0,    0xff, 0xff, 0xff, 0xff};
    REQUIRE(::setxattr(at.path().c_str(), "system.posix_acl_default", acl.data(), acl.size(), 0) == 0);
    at.root().create_directory("made");
    at.root().create_file("made/file");
    for (const char* name : {"made", "made/file"}) {
        CHECK(::getxattr(at.path(name).c_str(), "system.posix_acl_access", nullptr, 0) == -1);
        CHECK(::getxattr(at.path(name).c_str(), "system.posix_acl_default", nullptr, 0) == -1);
    }
}

TEST_CASE("what memory holds of a synced file can be dropped", "[os]") {
    Temporary at;
    at.file("a", std::string(8192, 'x'));
    struct statfs where;
    REQUIRE(::statfs(at.path().c_str(), &where) == 0);
    if (where.f_type == TMPFS_MAGIC) {
        WARN("not tried: memory is all that this file system has");
        return;
    }
    const auto file = at.root().change_file("a");
    file->sync();
    const auto in_memory = [&] {
        const int fd = ::open(at.path("a").c_str(), O_RDONLY | O_CLOEXEC);
        void* const mapped = ::mmap(nullptr, 8192, PROT_READ, MAP_SHARED, fd, 0);
        std::array<unsigned char, 2> pages{};
        REQUIRE(::mincore(mapped, 8192, pages.data()) == 0);
        ::munmap(mapped, 8192);
        ::close(fd);
        return (pages[0] & 1) != 0;
    };
    if (!in_memory()) {
        WARN("not tried: the system has forgotten it by itself");
        return;
    }
    file->drop_cached();
    CHECK(!in_memory());
}

TEST_CASE("a directory of more names than one call lists is emptied while it is listed", "[os]") {
    Temporary at;
    at.root().create_directory("many");
    for (int number = 0; number < 5000; ++number) at.file(fmt::format("many/{:0>100}", number), "");
    std::size_t listed = 0;
    at.root().open_directory("many")->for_each_name([&](std::string_view, std::uint64_t) { ++listed; });
    CHECK(listed == 5000);
    remove_all(at.root(), "many");
    CHECK_FALSE(at.root().status("many"));
}
