#include "os/real_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "ft/base/error.h"
#include "os/real_extended.h"

namespace ft::os {
namespace {

FileType type_of(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFDIR:
            return FileType::directory;
        case S_IFLNK:
            return FileType::symlink;
        case S_IFCHR:
            return FileType::character_device;
        case S_IFBLK:
            return FileType::block_device;
        case S_IFIFO:
            return FileType::fifo;
        case S_IFSOCK:
            return FileType::socket;
        default:
            return FileType::regular;
    }
}

constexpr int kDontCache = 0x80;  // RWF_DONTCACHE, which the headers of Debian 12 do not know

Timestamp to_timestamp(const statx_timestamp& time) { return {time.tv_sec, time.tv_nsec}; }

}  // namespace

Status to_status(const struct statx& from) {
    Status status{
        .type = type_of(from.stx_mode),
        .attributes = {from.stx_mode & 07777u, from.stx_uid, from.stx_gid, to_timestamp(from.stx_mtime)},
        .allocated = from.stx_blocks * 512,
        .ctime = to_timestamp(from.stx_ctime),
        .inode = from.stx_ino,
        .device = makedev(from.stx_dev_major, from.stx_dev_minor),
        .links = from.stx_nlink,
        .mount_root = (from.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0};
    // A directory's size is its file system's affair, and a device number means something for devices only.
    if (S_ISREG(from.stx_mode) || S_ISLNK(from.stx_mode)) status.size = from.stx_size;
    if (S_ISCHR(from.stx_mode) || S_ISBLK(from.stx_mode)) {
        status.device_major = from.stx_rdev_major;
        status.device_minor = from.stx_rdev_minor;
    }
    return status;
}

FileTimes::FileTimes(const Timestamp& mtime) : pair{{0, UTIME_OMIT}, {mtime.seconds, mtime.nanoseconds}} {}

void RealFile::drop_cached() const { ::posix_fadvise(fd_.number(), 0, 0, POSIX_FADV_DONTNEED); }

std::size_t RealFile::read_at(std::uint64_t offset, std::span<std::byte> into) const {
    std::size_t done = 0;
    while (done < into.size()) {
        const ssize_t count = uninterrupted([&] {
            return ::pread(fd_.number(), into.data() + done, into.size() - done,
                           static_cast<off_t>(offset + done));
        });
        if (count < 0) fail("read");
        if (count == 0) break;
        done += static_cast<std::size_t>(count);
    }
    return done;
}

std::uint64_t RealFile::data_from(std::uint64_t offset) const {
    // Others have told holes where data was on its way to the disk (OpenZFS).
    struct statfs system;
    if (::fstatfs(fd_.number(), &system) != 0) return offset;
    constexpr std::array<unsigned long, 4> kTrusted{EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                                    TMPFS_MAGIC};
    const auto magic = static_cast<unsigned long>(system.f_type);
    const bool trusted = std::find(kTrusted.begin(), kTrusted.end(), magic) != kTrusted.end();
    if (!trusted) return offset;
    // Nobody uses the position that it moves.
    const off_t found = ::lseek(fd_.number(), static_cast<off_t>(offset), SEEK_DATA);
    if (found >= 0) return static_cast<std::uint64_t>(found);
    return errno == ENXIO ? std::max(offset, status().size) : offset;
}

Status RealFile::status() const {
    struct statx now;
    if (::statx(fd_.number(), "", AT_EMPTY_PATH, STATX_BASIC_STATS, &now) != 0) fail("look at");
    return to_status(now);
}

// What comes in bulk goes on to the disk at once and leaves the page cache: a cache of more than the memory
// would push out what others use, and all of it would be waited for at the next sync. Kernels from 6.14 do
// that, some file systems.
void RealFile::write_at(std::uint64_t offset, std::span<const std::byte> data) {
    constexpr std::size_t kBulk = 128 * 1024;  // bytes
    while (!data.empty()) {
        const bool uncached = data.size() >= kBulk && writes_uncached_;
        const iovec piece{const_cast<std::byte*>(data.data()), data.size()};
        const ssize_t count = uninterrupted([&] {
            return ::pwritev2(fd_.number(), &piece, 1, static_cast<off_t>(offset), uncached ? kDontCache : 0);
        });
        if (count < 0 && uncached && (errno == EOPNOTSUPP || errno == EINVAL)) {
            writes_uncached_ = false;
            continue;
        }
        if (count < 0) fail("write");
        offset += static_cast<std::uint64_t>(count);
        data = data.subspan(static_cast<std::size_t>(count));
    }
}

// Not copy_file_range, which copies where it cannot share, and fills holes.
bool RealFile::share(std::uint64_t offset, const File& from, std::uint64_t from_offset,
                     std::uint64_t length) {
    const auto* const source = dynamic_cast<const RealFile*>(&from);
    if (source == nullptr) return false;
    file_clone_range range{.src_fd = source->fd_.number(),
                           .src_offset = from_offset,
                           .src_length = length,
                           .dest_offset = offset};
    // Whatever the reason, a copy may still do: where no block can have more owners, or not yet (ZFS, of what
    // it has still to write). What is damaged shows in the copy too.
    return uninterrupted([&] { return ::ioctl(fd_.number(), FICLONERANGE, &range); }) == 0;
}

void RealFile::set_size(std::uint64_t size) {
    if (uninterrupted([&] { return ::ftruncate(fd_.number(), static_cast<off_t>(size)); }) != 0)
        fail("set the size");
}

void RealFile::set_attributes(const Attributes& attributes) {
    if (::fchown(fd_.number(), attributes.uid, attributes.gid) != 0) fail("set the owner");
    if (::fchmod(fd_.number(), attributes.mode) != 0) fail("set the mode");
    if (::futimens(fd_.number(), FileTimes{attributes.mtime}.pair) != 0) fail("set the time");
}

void RealFile::set_extended(std::string_view packed) { ExtendedPlace{fd_.number()}.write(packed, path_); }

void RealFile::sync() {
    if (uninterrupted([&] { return ::fsync(fd_.number()); }) != 0) fail("sync");
}

void RealFile::fail(std::string_view action) const { throw base::system_error(action, path_, errno); }

}  // namespace ft::os
