#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "ft/base/error.h"
#include "ft/staging/staging.h"
#include "staging/slot_state.h"

namespace ft::staging {
namespace {

// Bytes that go to the file at once; whole blocks. With the first of them a file is worth to be gone on with.
constexpr std::size_t kPiece = 256 * 1024;
constexpr std::size_t kBlock = 4096;  // bytes of the smallest hole, and of what can be shared
// Bytes that are shared in one step: the system lets nobody write to the live file meanwhile.
constexpr std::uint64_t kMostShared = 16 * 1024 * 1024;

bool is_zero(std::span<const std::byte> block) {
    return block[0] == std::byte{0} && std::memcmp(block.data(), block.data() + 1, block.size() - 1) == 0;
}

bool is_hole(std::span<const std::byte> data, std::size_t at) {
    return data.size() - at >= kBlock && is_zero(data.subspan(at, kBlock));
}

/// Writes `data` at `offset`, a whole number of blocks, but for its blocks of zeros. True when it ends with
/// one.
bool write_sparse(os::File& file, std::uint64_t offset, std::span<const std::byte> data) {
    bool hole = false;
    for (std::size_t at = 0; at < data.size();) {
        const std::size_t from = at;
        hole = is_hole(data, at);
        while (at < data.size() && is_hole(data, at) == hole) at = std::min(at + kBlock, data.size());
        if (!hole) file.write_at(offset + from, data.subspan(from, at - from));
    }
    return hole;
}

}  // namespace

Slot::Slot(std::unique_ptr<State> state) : state_{std::move(state)} {}

Slot::~Slot() {
    State& state = *state_;
    if (!state.file) return;
    try {
        if (state.begun) {
            state.area.leave_begun(state.path, state.spot.place);
            if (!state.pending.empty()) write(state.pending);
        } else {
            state.file.reset();
            state.spot.directory->remove(state.spot.name);
        }
    } catch (...) {  // what stays is removed with the staging
    }
}

void Slot::append(std::span<const std::byte> data) {
    state_->hasher.update(data);
    size_ += data.size();
    base::Bytes& pending = state_->pending;
    while (pending.size() + data.size() >= kPiece) {
        const std::size_t taken = kPiece - pending.size();
        if (pending.empty()) {
            write(data.first(taken));
        } else {
            pending.insert(pending.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(taken));
            write(pending);
            pending.clear();
        }
        data = data.subspan(taken);
    }
    pending.insert(pending.end(), data.begin(), data.end());
}

void Slot::copy_from_basis(std::uint64_t offset, std::uint64_t length, const Also& also) {
    while (length > 0) {
        // Where both files are at the same place in a block, to its end: what follows can be shared.
        const std::uint64_t in_block = size_ % kBlock;
        const bool to_end = in_block != 0 && offset % kBlock == in_block;
        const std::uint64_t here = std::min<std::uint64_t>(length, to_end ? kBlock - in_block : kPiece);
        std::uint64_t done = share(offset, length, also);
        if (done == 0) done = copy(offset, static_cast<std::size_t>(here), also);
        offset += done;
        length -= done;
    }
}

std::span<const std::byte> Slot::read(const os::File* file, std::uint64_t offset, std::size_t length) {
    base::Bytes& piece = state_->from_basis;
    if (piece.size() < length) piece.resize(length);
    const std::span<std::byte> into = std::span{piece}.first(length);
    if (file == nullptr || file->read_at(offset, into) != length) {
        throw base::Error{base::ErrorKind::corrupt,
                          state_->shown.escaped() + ": the old version became shorter during the run"};
    }
    return into;
}

std::uint64_t Slot::copy(std::uint64_t offset, std::size_t length, const Also& also) {
    const std::span<const std::byte> piece = read(state_->basis.get(), offset, length);
    append(piece);
    if (also) also(piece);
    return length;
}

// Others may change the basis meanwhile: what is summed is read from the new file.
std::uint64_t Slot::share(std::uint64_t offset, std::uint64_t length, const Also& also) {
    State& state = *state_;
    const bool whole_blocks = offset % kBlock == 0 && size_ % kBlock == 0;
    if (!state.basis || !state.shares || !whole_blocks || length < kPiece) return 0;
    length = std::min(length - length % kBlock, kMostShared);
    if (!state.pending.empty()) write(state.pending);
    state.pending.clear();
    try {
        state.shares = state.file->share(size_, *state.basis, offset, length);
        if (!state.shares) state.file->set_size(size_);  // a copy leaves holes where it has nothing to write
    } catch (const base::Error& error) {
        throw error.on(state.shown.bytes());
    }
    if (!state.shares) return 0;
    for (std::uint64_t done = 0; done < length;) {
        const auto here = static_cast<std::size_t>(std::min<std::uint64_t>(length - done, kPiece));
        const std::span<const std::byte> piece = read(state.file.get(), size_, here);
        state.hasher.update(piece);
        if (also) also(piece);
        size_ += here;
        done += here;
    }
    state.ends_in_hole = false;
    state.written = size_;
    note_begun();
    return length;
}

base::Digest Slot::digest() {
    if (!state_->digest) state_->digest = state_->hasher.finish();
    return *state_->digest;
}

void Slot::finish(const base::Attributes& attributes, std::string_view extended) {
    State& state = *state_;
    if (!state.pending.empty()) write(state.pending);
    std::uint64_t inode = 0;
    try {
        if (state.ends_in_hole) state.file->set_size(size_);
        state.file->set_attributes(attributes);
        if (!extended.empty()) state.file->set_extended(extended);
        if (state.spot.slot != SlotNumber{0}) inode = state.file->status().inode;
        state.area.record(state.path, state.over, state.spot, inode, true);
        state.file.reset();
        state.area.note_complete(
            state.path, state.spot.place,
            {.size = size_, .mtime = attributes.mtime, .kind = state.kind, .digest = digest()});
    } catch (const base::Error& error) {
        throw error.on(state.shown.bytes());
    }
}

void Slot::write(std::span<const std::byte> data) {
    try {
        state_->ends_in_hole = write_sparse(*state_->file, state_->written, data);
        state_->written += data.size();
    } catch (const base::Error& error) {
        throw error.on(state_->shown.bytes());
    }
    note_begun();
}

void Slot::note_begun() {
    if (state_->begun || state_->written < kPiece) return;
    try {
        state_->area.note_begun(state_->path, state_->spot.place);
    } catch (const base::Error& error) {
        throw error.on(state_->shown.bytes());
    }
    state_->begun = true;
}

}  // namespace ft::staging
