#pragma once

#include <memory>

#include "ft/os/file.h"

namespace ft::rsync {

/// A basis file of two: all of `part`, and behind its end what `rest` (may be null) holds from there on. Of a
/// file that came only in part, nothing of which travels again: the part is new already, and the old file may
/// well have what follows. Any number of threads may read.
class JoinedFile : public os::File {
public:
    JoinedFile(std::unique_ptr<const os::File> part, std::unique_ptr<const os::File> rest);

    std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override;
    /// That of `part`, with the size of both.
    os::Status status() const override;

    // A basis is only read: Error internal.
    void write_at(std::uint64_t offset, std::span<const std::byte> data) override;
    void set_size(std::uint64_t size) override;
    void set_attributes(const os::Attributes& attributes) override;
    void set_extended(std::string_view packed) override;
    void sync() override;

private:
    std::unique_ptr<const os::File> part_;
    std::unique_ptr<const os::File> rest_;
    std::uint64_t part_size_;
};

}  // namespace ft::rsync
