#include "support/memory_file.h"

#include <cerrno>

#include "ft/base/bytes.h"
#include "ft/base/error.h"

namespace ft::test {

namespace {

constexpr std::uint64_t kBlock = 4096;

}  // namespace

os::Status status_of(const Inode& inode) {
    os::Status status{
        .type = inode.type,
        .attributes = inode.attributes,
        .size = inode.type == os::FileType::symlink ? inode.target.size() : inode.content.size(),
        .allocated = inode.content.allocated(),
        .ctime = inode.ctime,
        .inode = inode.id,
        .device = inode.device,
        .links = inode.links,
        .device_major = inode.major,
        .device_minor = inode.minor,
        .mount_root = inode.mount_root};
    return status;
}

std::size_t MemoryFile::read_at(std::uint64_t offset, std::span<std::byte> into) const {
    const std::lock_guard lock{state_->mutex};
    if (const int code = state_->begin_read(generation_, "read"))
        throw base::system_error("read", path_, code);
    return inode_->content.read(offset, into);
}

os::Status MemoryFile::status() const {
    const std::lock_guard lock{state_->mutex};
    if (const int code = state_->begin_read(generation_, "status"))
        throw base::system_error("read", path_, code);
    return status_of(*inode_);
}

void MemoryFile::drop_cached() const {
    const std::lock_guard lock{state_->mutex};
    const Content* const kept = state_->log.forget_given_up(inode_->id);
    if (kept == nullptr) return;
    inode_->content = *kept;
    inode_->print = 0;
}

void MemoryFile::begin(std::string_view kind, std::string_view action) {
    if (const int code = state_->begin_change(generation_, kind))
        throw base::system_error(action, path_, code);
}

void MemoryFile::write_at(std::uint64_t offset, std::span<const std::byte> data) {
    const std::lock_guard lock{state_->mutex};
    begin("write", "write");
    if (state_->capacity != kNoEnd) {
        const std::uint64_t growth = inode_->content.growth(offset, data.size());
        const std::uint64_t used = state_->current.used();
        if (growth > 0 && used + growth > state_->capacity) throw base::system_error("write", path_, ENOSPC);
    }
    state_->change(inode_->device,
                   Write{.inode = inode_->id, .offset = offset, .data = std::string{base::as_text(data)}});
}

bool MemoryFile::share(std::uint64_t offset, const os::File& from, std::uint64_t from_offset,
                       std::uint64_t length) {
    const std::lock_guard lock{state_->mutex};
    begin("write", "write");
    const auto* const source = dynamic_cast<const MemoryFile*>(&from);
    const bool shares = source != nullptr && source->state_ == state_ &&
                        source->inode_->device == inode_->device && offset % kBlock == 0 &&
                        from_offset % kBlock == 0 && length % kBlock == 0 &&
                        from_offset + length <= source->inode_->content.size();
    if (!shares) return false;
    std::string block(kBlock, '\0');
    const std::string hole = block;
    for (std::uint64_t done = 0; done < length; done += kBlock) {
        source->inode_->content.read(from_offset + done, std::as_writable_bytes(std::span{block}));
        if (block == hole) continue;
        state_->change(inode_->device, Write{.inode = inode_->id, .offset = offset + done, .data = block});
    }
    if (inode_->content.size() < offset + length)
        state_->change(inode_->device, Resize{.inode = inode_->id, .size = offset + length});
    state_->shared += length;
    return true;
}

void MemoryFile::set_size(std::uint64_t size) {
    const std::lock_guard lock{state_->mutex};
    begin("size", "set the size");
    state_->change(inode_->device, Resize{.inode = inode_->id, .size = size});
}

void MemoryFile::set_attributes(const os::Attributes& attributes) {
    const std::lock_guard lock{state_->mutex};
    begin("attributes", "set the owner");
    state_->change(inode_->device, SetAttributes{.inode = inode_->id, .attributes = attributes});
}

void MemoryFile::set_extended(std::string_view packed) {
    const std::lock_guard lock{state_->mutex};
    begin("extended", "set the extended attributes");
    state_->change(inode_->device, SetExtended{.inode = inode_->id, .packed = std::string{packed}});
}

void MemoryFile::sync() {
    const std::lock_guard lock{state_->mutex};
    const int code = state_->begin_change(generation_, "sync");
    if (code == 0) return state_->log.sync_inode(inode_->id);
    state_->log.give_up_inode(inode_->id);
    state_->fail_sync(inode_->device, code);
    throw base::system_error("sync", path_, code);
}

}  // namespace ft::test
