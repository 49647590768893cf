#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "ft/base/bytes.h"
#include "staging/area.h"

namespace ft::staging {

/// The file of a slot on its way, and how bytes come into it. Errors as those of Slot.
struct Slot::State {
    State(Area& area_, const base::RelPath& path_, const base::RelPath& shown_, Over over_, Spot spot_,
          std::unique_ptr<os::File> file_, base::DigestKind kind_, std::unique_ptr<const os::File> basis_)
        : area{area_},
          path{path_},
          shown{shown_},
          over{over_},
          spot{std::move(spot_)},
          file{std::move(file_)},
          kind{kind_},
          hasher{kind_},
          basis{std::move(basis_)} {}

    void append(std::span<const std::byte> data);
    /// Appends a part of the basis, up to `length` bytes, and returns its length.
    std::uint64_t copy(std::uint64_t offset, std::uint64_t length, const Also& also);
    /// The same without a copy; 0 where that cannot be.
    std::uint64_t share(std::uint64_t offset, std::uint64_t length, const Also& also);
    /// Writes what is pending.
    void flush();

    Area& area;
    base::RelPath path;   // from the ground's root
    base::RelPath shown;  // from the tree's
    Over over;
    Spot spot;
    std::unique_ptr<os::File> file;  // null once finished
    base::DigestKind kind;
    base::Hasher hasher;
    std::optional<base::Digest> digest{};  // once all was appended
    bool begun = false;                    // the log says so: the file stays, even if it is not finished
    std::unique_ptr<const os::File> basis;
    base::Bytes pending;        // appended, not written; less than kPiece
    base::Bytes from_basis;     // a piece of the basis file on its way
    bool shares = true;         // blocks of the basis, as long as nobody said no
    bool ends_in_hole = false;  // the size must be set in the end
    std::uint64_t size = 0;     // bytes that were appended
    std::uint64_t written = 0;  // of these, those that left `pending`, holes included

private:
    std::span<const std::byte> read(const os::File* from, std::uint64_t offset, std::size_t length);
    void write(std::span<const std::byte> data);
    void note_begun();
};

}  // namespace ft::staging
