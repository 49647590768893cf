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
            state.flush();
        } else {
            state.file.reset();
            state.spot.directory->remove(state.spot.name);
        }
    } catch (...) {  // what stays is removed with the staging
    }
}

std::uint64_t Slot::size() const { return state_->size; }

void Slot::append(std::span<const std::byte> data) { state_->append(data); }

void Slot::copy_from_basis(std::uint64_t offset, std::uint64_t length, const Also& also) {
    while (length > 0) {
        std::uint64_t done = state_->share(offset, length, also);
        if (done == 0) done = state_->copy(offset, length, also);
        offset += done;
        length -= done;
    }
}

base::Digest Slot::digest() {
    if (!state_->digest) state_->digest = state_->hasher.finish();
    return *state_->digest;
}

void Slot::finish(const base::Attributes& attributes, std::string_view extended) {
    State& state = *state_;
    state.flush();
    std::uint64_t inode = 0;
    try {
        if (state.ends_in_hole) state.file->set_size(state.size);
        state.file->set_attributes(attributes);
        if (!extended.empty()) state.file->set_extended(extended);
        if (state.spot.slot != SlotNumber{0}) inode = state.file->status().inode;
        state.area.record(state.path, state.over, state.spot, inode, true);
        state.file.reset();
        state.area.note_complete(
            state.path, state.spot.place,
            {.size = state.size, .mtime = attributes.mtime, .kind = state.kind, .digest = digest()});
    } catch (const base::Error& error) {
        throw error.on(state.shown.bytes());
    }
}

void Slot::State::append(std::span<const std::byte> data) {
    hasher.update(data);
    size += data.size();
    while (pending.size() + data.size() >= kPiece) {
        const std::size_t taken = kPiece - pending.size();
        if (pending.empty()) {
            write(data.first(taken));
        } else {
            pending.insert(pending.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(taken));
            flush();
        }
        data = data.subspan(taken);
    }
    pending.insert(pending.end(), data.begin(), data.end());
}

std::uint64_t Slot::State::copy(std::uint64_t offset, std::uint64_t length, const Also& also) {
    // Where both files are at the same place in a block, to its end: what follows can be shared.
    const std::uint64_t in_block = size % kBlock;
    const bool to_end = in_block != 0 && offset % kBlock == in_block;
    length = std::min<std::uint64_t>(length, to_end ? kBlock - in_block : kPiece);
    const std::span<const std::byte> piece = read(basis.get(), offset, static_cast<std::size_t>(length));
    append(piece);
    if (also) also(piece);
    return length;
}

// Others may change the basis meanwhile: what is summed is read from the new file.
std::uint64_t Slot::State::share(std::uint64_t offset, std::uint64_t length, const Also& also) {
    const bool whole_blocks = offset % kBlock == 0 && size % kBlock == 0;
    if (!basis || !shares || !whole_blocks || length < kPiece) return 0;
    length = std::min(length - length % kBlock, kMostShared);
    flush();
    try {
        shares = file->share(size, *basis, offset, length);
        if (!shares) file->set_size(size);  // a copy leaves holes where it has nothing to write
    } catch (const base::Error& error) {
        throw error.on(shown.bytes());
    }
    if (!shares) return 0;
    for (std::uint64_t done = 0; done < length;) {
        const auto here = static_cast<std::size_t>(std::min<std::uint64_t>(length - done, kPiece));
        const std::span<const std::byte> piece = read(file.get(), size, here);
        hasher.update(piece);
        if (also) also(piece);
        size += here;
        done += here;
    }
    ends_in_hole = false;
    written = size;
    note_begun();
    return length;
}

void Slot::State::flush() {
    if (!pending.empty()) write(pending);
    pending.clear();
}

std::span<const std::byte> Slot::State::read(const os::File* from, std::uint64_t offset, std::size_t length) {
    if (from_basis.size() < length) from_basis.resize(length);
    const std::span<std::byte> into = std::span{from_basis}.first(length);
    if (from == nullptr || from->read_at(offset, into) != length) {
        throw base::Error{base::ErrorKind::corrupt,
                          shown.escaped() + ": what is here of it vanished or became shorter during the run"};
    }
    return into;
}

void Slot::State::write(std::span<const std::byte> data) {
    try {
        ends_in_hole = write_sparse(*file, written, data);
        written += data.size();
    } catch (const base::Error& error) {
        throw error.on(shown.bytes());
    }
    note_begun();
}

void Slot::State::note_begun() {
    if (begun || written < kPiece) return;
    try {
        area.note_begun(path, spot.place);
    } catch (const base::Error& error) {
        throw error.on(shown.bytes());
    }
    begun = true;
}

}  // namespace ft::staging
