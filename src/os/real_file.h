#pragma once

#include <sys/stat.h>

#include <string>

#include "ft/os/file.h"
#include "os/fd.h"

namespace ft::os {

Status to_status(const struct statx& from);
/// [0] for the access time, which stays, [1] for `mtime`: as utimensat takes them.
struct FileTimes {
    explicit FileTimes(const Timestamp& mtime);
    timespec pair[2];
};

/// A regular file of the real machine. `path` is for messages.
class RealFile final : public File {
public:
    RealFile(Fd fd, std::string path) : fd_{std::move(fd)}, path_{std::move(path)} {}

    std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override;
    std::uint64_t data_from(std::uint64_t offset) const override;
    Status status() const override;
    void drop_cached() const override;
    void write_at(std::uint64_t offset, std::span<const std::byte> data) override;
    bool share(std::uint64_t offset, const File& from, std::uint64_t from_offset,
               std::uint64_t length) override;
    void set_size(std::uint64_t size) override;
    void set_attributes(const Attributes& attributes) override;
    void set_extended(std::string_view packed) override;
    void sync() override;

private:
    [[noreturn]] void fail(std::string_view action) const;

    Fd fd_;
    std::string path_;
    bool writes_uncached_ = true;  // as long as nobody said no
};

}  // namespace ft::os
