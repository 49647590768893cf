#include "os/real_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <limits>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/extended.h"
#include "ft/base/rel_path.h"
#include "os/real_extended.h"

namespace ft::os {
namespace {

constexpr std::uint64_t kToList = O_RDONLY | O_DIRECTORY | O_NOATIME;

mode_t format_of(FileType type) {
    switch (type) {
        case FileType::character_device:
            return S_IFCHR;
        case FileType::block_device:
            return S_IFBLK;
        case FileType::fifo:
            return S_IFIFO;
        case FileType::socket:
            return S_IFSOCK;
        default:
            throw base::Error{base::ErrorKind::internal, "only devices, FIFOs and sockets are special"};
    }
}

}  // namespace

const RealDirectory& real(const Directory& directory) {
    const auto* own = dynamic_cast<const RealDirectory*>(&directory);
    if (own == nullptr) throw base::Error{base::ErrorKind::internal, "a directory of another machine"};
    return *own;
}

void RealDirectory::require_path(std::string_view path) const {
    const std::string_view wrong = base::RelPath::fault(path);
    if (wrong.empty()) return;
    throw base::Error{base::ErrorKind::io, base::escape(whole(path)) + ": a path with " + std::string{wrong}};
}

// Closed, with errno, when it cannot be opened.
Fd RealDirectory::open(std::string_view path, std::uint64_t flags) const {
    require_path(path);
    const std::string text{path};
    open_how how{.flags = flags | O_CLOEXEC, .mode = 0, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    // The kernel says EAGAIN when renames elsewhere make it doubt its walk.
    for (int tries = 0;; ++tries) {
        const long number = uninterrupted(
            [&] { return ::syscall(SYS_openat2, fd_.number(), text.c_str(), &how, sizeof how); });
        if (number < 0 && errno == EPERM && (how.flags & O_NOATIME) != 0) {
            how.flags &= ~std::uint64_t{O_NOATIME};  // the owner's privilege
        } else if (number >= 0 || errno != EAGAIN || tries == 100) {
            return Fd{number};
        }
    }
}

RealDirectory::Place RealDirectory::place(std::string_view path, std::string_view action) const {
    require_path(path);
    const std::size_t slash = path.rfind('/');
    const std::string_view parent = slash == std::string_view::npos ? "." : path.substr(0, slash);
    Place found{Fd{}, fd_.number(), std::string{path.substr(slash + 1)}};  // npos + 1 is 0
    if (parent == ".") return found;
    found.held = open(parent, O_PATH | O_DIRECTORY);
    if (!found.held.is_open()) fail(action, path);
    found.parent = found.held.number();
    return found;
}

void RealDirectory::for_each_name(const UseName& use) const {
    // A description of its own: its position is nobody else's.
    Fd own = open(".", kToList);
    if (!own.is_open()) fail("list", ".");
    const std::unique_ptr<DIR, int (*)(DIR*)> entries{::fdopendir(own.number()), &::closedir};
    if (!entries) fail("list", ".");
    own.release();  // closedir closes it
    while (true) {
        errno = 0;
        const dirent* entry = ::readdir(entries.get());
        if (entry == nullptr && errno != 0) fail("list", ".");
        if (entry == nullptr) return;
        const std::string_view name{entry->d_name};
        if (name != "." && name != "..") use(name, entry->d_ino);
    }
}

std::optional<Status> RealDirectory::status(std::string_view path) const {
    struct statx now;
    const bool direct = path.find('/') == std::string_view::npos;
    const Place at = direct ? place(path, "look at") : Place{open(path, O_PATH | O_NOFOLLOW), -1, {}};
    const bool found = direct ? ::statx(at.parent, at.name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                                        STATX_BASIC_STATS, &now) == 0
                              : at.held.is_open() && ::statx(at.held.number(), "", AT_EMPTY_PATH,
                                                             STATX_BASIC_STATS, &now) == 0;
    if (found) return to_status(now);
    if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) fail("look at", path);
    return std::nullopt;
}

std::string RealDirectory::read_link(std::string_view path) const {
    const Place at = place(path, "read the link");
    std::array<char, PATH_MAX> target;
    const ssize_t length = ::readlinkat(at.parent, at.name.c_str(), target.data(), target.size());
    if (length < 0) fail("read the link", path);
    return {target.data(), static_cast<std::size_t>(length)};
}

std::string RealDirectory::extended(std::string_view path) const {
    const Place at = place(path, "read the extended attributes");
    return ExtendedPlace{at.parent, at.name}.read(whole(path));
}

std::unique_ptr<RealFile> RealDirectory::regular_file(std::string_view path, std::uint64_t access) const {
    Fd file = open(path, access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_NOATIME);
    struct stat now;
    const bool opened = file.is_open();
    // Links, sockets, directories for writing and devices without a driver cannot even be opened.
    if (!opened && errno != ELOOP && errno != ENXIO && errno != EISDIR && errno != ENODEV) fail("open", path);
    if (opened && ::fstat(file.number(), &now) != 0) fail("look at", path);
    if (!opened || !S_ISREG(now.st_mode)) {
        throw base::Error{base::ErrorKind::io,
                          base::escape(whole(path)) + ": changed while it was read: it is no regular file"};
    }
    return std::make_unique<RealFile>(std::move(file), whole(path));
}

std::unique_ptr<RealDirectory> RealDirectory::subdirectory(std::string_view path) const {
    Fd directory = open(path, kToList | O_NOFOLLOW);
    if (!directory.is_open()) fail("open", path);
    return std::make_unique<RealDirectory>(std::move(directory), whole(path));
}

std::unique_ptr<const File> RealDirectory::open_file(std::string_view path) const {
    return regular_file(path, O_RDONLY);
}

std::unique_ptr<File> RealDirectory::change_file(std::string_view path) { return regular_file(path, O_RDWR); }

std::unique_ptr<const Directory> RealDirectory::open_directory(std::string_view path) const {
    return subdirectory(path);
}

std::unique_ptr<Directory> RealDirectory::open_directory(std::string_view path) { return subdirectory(path); }

/// Each subvolume of a btrfs has a device number of its own; what they share has this one.
std::uint64_t RealDirectory::pool() const {
    struct stat status;
    struct statfs kind;
    if (::fstat(fd_.number(), &status) != 0 ||
        uninterrupted([&] { return ::fstatfs(fd_.number(), &kind); }) != 0)
        fail("ask for free space", ".");
    struct btrfs_ioctl_fs_info_args btrfs {};
    if (kind.f_type != BTRFS_SUPER_MAGIC || ::ioctl(fd_.number(), BTRFS_IOC_FS_INFO, &btrfs) != 0)
        return status.st_dev;
    std::uint64_t number = 0;
    std::memcpy(&number, btrfs.fsid, sizeof number);  // random, so no device's
    return number;
}

Space RealDirectory::space() const {
    struct statvfs room;
    struct statfs kind;
    if (uninterrupted([&] { return ::fstatvfs(fd_.number(), &room); }) != 0 ||
        uninterrupted([&] { return ::fstatfs(fd_.number(), &kind); }) != 0)
        fail("ask for free space", ".");
    // The C library's pathconf answers 127 for what it does not know.
    constexpr std::uint64_t kExt4Names = 65'000;
    return {.free_bytes = room.f_bavail * room.f_frsize,
            .total_bytes = room.f_blocks * room.f_frsize,
            .free_inodes = room.f_files == 0 ? std::numeric_limits<std::uint64_t>::max() : room.f_favail,
            .most_names =
                kind.f_type == EXT4_SUPER_MAGIC ? kExt4Names : std::numeric_limits<std::uint64_t>::max(),
            .pool = pool()};
}

std::unique_ptr<File> RealDirectory::create_file(std::string_view path) {
    const Place at = place(path, "create");
    Fd file{uninterrupted([&] {
        return ::openat(at.parent, at.name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    })};
    if (!file.is_open()) fail("create", path);
    return std::make_unique<RealFile>(std::move(file), whole(path));
}

void RealDirectory::create_directory(std::string_view path) {
    const Place at = place(path, "create");
    if (::mkdirat(at.parent, at.name.c_str(), 0700) != 0) fail("create", path);
    // An inherited ACL would give rights that nobody asked for, to the directory and to all that is made in
    // it.
    const Fd made{::openat(at.parent, at.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (made.number() < 0) fail("open", path);
    for (const std::string_view acl : {base::kAccessAcl, base::kDefaultAcl}) {
        if (::fremovexattr(made.number(), acl.data()) != 0 && errno != ENODATA && errno != EOPNOTSUPP)
            fail("remove the inherited ACL of", path);
    }
}

void RealDirectory::create_symlink(std::string_view path, std::string_view target) {
    const Place at = place(path, "create");
    if (::symlinkat(std::string{target}.c_str(), at.parent, at.name.c_str()) != 0) fail("create", path);
}

void RealDirectory::create_special(std::string_view path, FileType type, std::uint32_t major,
                                   std::uint32_t minor) {
    const Place at = place(path, "create");
    if (::mknodat(at.parent, at.name.c_str(), format_of(type) | 0600, makedev(major, minor)) != 0)
        fail("create", path);
}

void RealDirectory::move(std::string_view from, Directory& to_directory, std::string_view to, unsigned flags,
                         std::string_view action) {
    const Place old = place(from, action);
    const Place now = real(to_directory).place(to, action);
    if (::renameat2(old.parent, old.name.c_str(), now.parent, now.name.c_str(), flags) != 0) {
        const int code = errno;
        const std::string target = base::escape(real(to_directory).whole(to));
        throw base::system_error(std::string{action} + " " + target, whole(from), code);
    }
}

void RealDirectory::link(std::string_view path, Directory& to_directory, std::string_view to) {
    const Place old = place(path, "link to");
    const Place now = real(to_directory).place(to, "link to");
    if (::linkat(old.parent, old.name.c_str(), now.parent, now.name.c_str(), 0) == 0) return;
    const int code = errno;
    throw base::system_error("link to " + base::escape(real(to_directory).whole(to)), whole(path), code);
}

void RealDirectory::rename(std::string_view from, Directory& to_directory, std::string_view to) {
    move(from, to_directory, to, RENAME_NOREPLACE, "rename to");
}

void RealDirectory::exchange(std::string_view path, Directory& other_directory, std::string_view other) {
    move(path, other_directory, other, RENAME_EXCHANGE, "exchange with");
}

void RealDirectory::remove(std::string_view path) {
    const Place at = place(path, "remove");
    if (::unlinkat(at.parent, at.name.c_str(), 0) == 0) return;
    if (errno != EISDIR || ::unlinkat(at.parent, at.name.c_str(), AT_REMOVEDIR) != 0) fail("remove", path);
}

void RealDirectory::set_attributes(std::string_view path, const Attributes& attributes) {
    // All on one descriptor: nobody can put another object in between.
    const Fd object = open(path, O_PATH | O_NOFOLLOW);
    struct stat now;
    if (!object.is_open() || ::fstat(object.number(), &now) != 0) fail("change", path);
    if (::fchownat(object.number(), "", attributes.uid, attributes.gid, AT_EMPTY_PATH) != 0)
        fail("set the owner", path);
    // chmod takes no O_PATH descriptor before Linux 6.6, but it follows this name, which cannot lead
    // elsewhere.
    const std::string name = "/proc/self/fd/" + std::to_string(object.number());
    if (!S_ISLNK(now.st_mode) && ::chmod(name.c_str(), attributes.mode) != 0) fail("set the mode", path);
    if (::utimensat(object.number(), "", FileTimes{attributes.mtime}.pair, AT_EMPTY_PATH) != 0) {
        fail("set the time", path);
    }
}

void RealDirectory::set_extended(std::string_view path, std::string_view packed) {
    const Fd object = open(path, O_PATH | O_NOFOLLOW);
    if (!object.is_open()) fail("change", path);
    ExtendedPlace{object.number()}.write(packed, whole(path));
}

void RealDirectory::sync() {
    if (uninterrupted([&] { return ::fsync(fd_.number()); }) != 0) fail("sync", ".");
}

void RealDirectory::sync_file_system() {
    if (uninterrupted([&] { return ::syncfs(fd_.number()); }) != 0) fail("sync the file system of", ".");
}

std::string RealDirectory::whole(std::string_view path) const {
    if (path == ".") return path_;
    return (path_ == "/" ? path_ : path_ + "/") + std::string{path};
}

void RealDirectory::fail(std::string_view action, std::string_view path) const {
    const int code = errno;
    throw base::system_error(action, whole(path), code);
}

}  // namespace ft::os
