#include "os/real_file.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include "ft/base/error.h"

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

Timestamp to_timestamp(const timespec& time) {
    return {time.tv_sec, static_cast<std::uint32_t>(time.tv_nsec)};
}

}  // namespace

Status to_status(const struct stat& from) {
    Status status{.type = type_of(from.st_mode),
                  .attributes = {from.st_mode & 07777, from.st_uid, from.st_gid, to_timestamp(from.st_mtim)},
                  .allocated = static_cast<std::uint64_t>(from.st_blocks) * 512,
                  .ctime = to_timestamp(from.st_ctim),
                  .inode = from.st_ino,
                  .device = from.st_dev,
                  .links = from.st_nlink};
    // A directory's size is its file system's affair, and a device number means something for devices only.
    if (S_ISREG(from.st_mode) || S_ISLNK(from.st_mode))
        status.size = static_cast<std::uint64_t>(from.st_size);
    if (S_ISCHR(from.st_mode) || S_ISBLK(from.st_mode)) {
        status.device_major = major(from.st_rdev);
        status.device_minor = minor(from.st_rdev);
    }
    return status;
}

FileTimes::FileTimes(const Timestamp& mtime) : pair{{0, UTIME_OMIT}, {mtime.seconds, mtime.nanoseconds}} {}

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

Status RealFile::status() const {
    struct stat now;
    if (::fstat(fd_.number(), &now) != 0) fail("look at");
    return to_status(now);
}

void RealFile::write_at(std::uint64_t offset, std::span<const std::byte> data) {
    while (!data.empty()) {
        const ssize_t count = uninterrupted(
            [&] { return ::pwrite(fd_.number(), data.data(), data.size(), static_cast<off_t>(offset)); });
        if (count < 0) fail("write");
        offset += static_cast<std::uint64_t>(count);
        data = data.subspan(static_cast<std::size_t>(count));
    }
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

void RealFile::sync() {
    if (uninterrupted([&] { return ::fsync(fd_.number()); }) != 0) fail("sync");
}

void RealFile::fail(std::string_view action) const { throw base::system_error(action, path_, errno); }

}  // namespace ft::os
