#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ft/base/digest.h"
#include "ft/base/entry.h"
#include "ft/base/rel_path.h"
#include "ft/os/file.h"
#include "ft/staging/change_list.h"

namespace ft::staging {

/// Whether an object of that name is in the live tree.
enum class Over { nothing, something };

class Staging;

/// Opens the reserved directory of the tree at `root`, making it where it is missing; the root's time stays.
/// Error unfit when it is no directory of root's with mode 0700, or on another file system.
std::unique_ptr<os::Directory> open_reserved(os::Directory& root);
/// Removes all that is staged below `root` but the generations `kept`, and the reserved directory when
/// nothing is left in it; the root's time stays. Nothing to do where nothing is staged. Errors as open_reserved.
void free_staged(os::Directory& root, const std::vector<Generation>& kept = {});

/// A file of the next version of a tree, built where the live tree does not see it.
///
/// Bytes come in order. Only `finish` makes it a change of the run; a Slot that is destroyed before that
/// takes its file with it. One thread a Slot; many Slots at a time are fine. Errors: no_space, io, each
/// naming the path in the tree.
class Slot {
public:
    ~Slot();
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    /// Appends `data`; whole blocks of zeros become holes, so that sparse files stay sparse.
    void append(std::span<const std::byte> data);
    /// Appends `length` bytes of the basis file from `offset` (both in bytes). Error corrupt if it is
    /// shorter.
    void copy_from_basis(std::uint64_t offset, std::uint64_t length);
    /// Bytes so far.
    std::uint64_t size() const { return size_; }
    /// Checksum of all that was appended, of the kind that create_file was told.
    base::Digest digest();
    /// Sets owner, mode and time and records the change. The bytes are durable only after Staging::sync: one
    /// sync of the file system is cheaper than a million of files.
    void finish(const base::Attributes& attributes);

private:
    friend class Staging;
    struct State;
    explicit Slot(std::unique_ptr<State> state);
    void write(std::span<const std::byte> data);

    std::unique_ptr<State> state_;
    std::uint64_t size_ = 0;
};

/// The next version of one tree: new and changed objects, complete with owner, mode and time, in the reserved
/// directory at the tree's root, and the list of what the commit will change. The live tree is only read.
///
/// An object whose parent is itself new is built inside its staged parent, so that a new directory with all
/// that it holds is one change. Hence parents first: create_directory before anything below it.
/// Thread-safe: a receiver and a generator share one Staging.
class Staging {
public:
    /// A new generation in `reserved`, the reserved directory of `live` (open_reserved). All other
    /// generations there but `kept` are removed. `live` outlives the Staging.
    Staging(const os::Directory& live, std::unique_ptr<os::Directory> reserved,
            const std::vector<Generation>& kept = {});
    ~Staging();
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;

    /// A new version of the regular file `path`, digested as `digest`; `basis` (may be null) is what
    /// copy_from_basis reads.
    std::unique_ptr<Slot> create_file(const base::RelPath& path, Over over, base::DigestKind digest,
                                      std::unique_ptr<const os::File> basis);
    /// A directory, link or special object. A directory's attributes are set by `finish`, when all it holds
    /// is there.
    void create(const base::RelPath& path, Over over, const base::Object& object);
    void change_attributes(const base::RelPath& path, const base::Attributes& before,
                           const base::Attributes& after);
    void remove(const base::RelPath& path);

    /// A second pull begins: what is staged becomes the earlier generation, of which only the regular files
    /// are of use, and the list of changes is empty again. No Slot may be open. What nobody adopts is removed
    /// by `finish`.
    void begin_again();
    /// True when the earlier generation holds a regular file for `path` with this size and time of change.
    bool can_adopt(const base::RelPath& path, std::uint64_t size, const base::Timestamp& mtime) const;
    /// Makes that file the new version of `path`, without any copying.
    void adopt(const base::RelPath& path, Over over, const base::Attributes& attributes);
    /// The regular file that the earlier generation holds for `path`, as a basis; null when it has none.
    std::unique_ptr<const os::File> open_earlier(const base::RelPath& path) const;

    /// True when `path` lies below a directory that is new in this run.
    bool is_new(const base::RelPath& path) const;
    /// All is staged: sets the new directories' attributes, deepest first, and gives the list. No further
    /// creates.
    ChangeList finish();
    /// Makes everything staged durable.
    void sync();
    /// Removes all that is staged.
    void discard();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ft::staging
