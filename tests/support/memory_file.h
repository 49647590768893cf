#pragma once

#include <memory>
#include <string>

#include "ft/os/file.h"
#include "support/disk_state.h"

namespace ft::test {

os::Status status_of(const Inode& inode);

class MemoryFile : public os::File {
public:
    MemoryFile(std::shared_ptr<MemoryDisk::State> state, std::shared_ptr<Inode> inode, std::string path)
        : state_{std::move(state)},
          generation_{state_->generation},
          inode_{std::move(inode)},
          path_{std::move(path)} {}

    std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override;
    os::Status status() const override;
    void drop_cached() const override;
    void write_at(std::uint64_t offset, std::span<const std::byte> data) override;
    bool share(std::uint64_t offset, const os::File& from, std::uint64_t from_offset,
               std::uint64_t length) override;
    void set_size(std::uint64_t size) override;
    void set_attributes(const os::Attributes& attributes) override;
    void set_extended(std::string_view packed) override;
    void sync() override;

private:
    void begin(std::string_view kind, std::string_view action);

    std::shared_ptr<MemoryDisk::State> state_;
    std::uint64_t generation_;
    std::shared_ptr<Inode> inode_;
    std::string path_;
};

}  // namespace ft::test
