#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/base/digest.h"
#include "ft/base/entry.h"
#include "ft/base/progress.h"
#include "ft/base/rel_path.h"
#include "ft/os/file.h"
#include "ft/staging/change_list.h"

namespace ft::os {
class Machine;
}

namespace ft::staging {

/// Whether an object of that name is in the live tree.
enum class Over { nothing, something };

class Staging;

// The reserved directory comes and goes, and the time of the tree's root stays. `notes`, a directory that the
// next start finds again, holds that time while it is moved: restore_root_times puts it right if this process
// is killed there. Null: nowhere.

/// Opens the reserved directory of the tree at `root`, making it where it is missing. Error unfit when it is
/// no directory of root's with mode 0700, or on another file system.
std::unique_ptr<os::Directory> open_reserved(os::Directory& root, os::Directory* notes = nullptr);
/// Removes all that is staged below `root` but the generations `kept`, and the reserved directory when
/// nothing is left in it. Nothing to do where nothing is staged. Errors as open_reserved.
void free_staged(os::Directory& root, const std::vector<Generation>& kept = {},
                 os::Directory* notes = nullptr);
/// Removes the reserved directory of `root` when nothing is in it.
void close_reserved(os::Directory& root, os::Directory* notes = nullptr);

/// A file system that a tree lies on: the tree's own, or one that is mounted in it.
struct Ground {
    base::RelPath at;                         ///< its root, from the tree's
    const os::Directory* live = nullptr;      ///< its root; outlives the Staging
    std::unique_ptr<os::Directory> reserved;  ///< its reserved directory (open_reserved)
    std::vector<Generation> kept{};           ///< there, and not ours
};

/// Staged files of earlier pulls, in sum.
struct EarlierFiles {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
};

/// The checksum of a whole file.
struct ContentSum {
    base::DigestKind kind = base::DigestKind::xxh128;
    base::Digest digest{};
    bool operator==(const ContentSum&) const = default;
};

/// What earlier pulls hold of a file, as a basis; null each where there is nothing.
struct EarlierContent {
    std::unique_ptr<const os::File> part{};   ///< begun after `whole` was complete: perhaps not all of it
    std::unique_ptr<const os::File> whole{};  ///< complete when it came
};

/// A file of the next version of a tree, built where the live tree does not see it.
///
/// Bytes come in order. Only `finish` makes it a change of the run. A Slot that is destroyed before that
/// takes its file with it, unless 256 KiB and more are there: they are of use to the next pull. One thread a
/// Slot; many Slots at a time are fine. Errors: no_space, io, each naming the path in the tree.
class Slot {
public:
    ~Slot();
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    /// Appends `data`; whole blocks of zeros become holes, so that sparse files stay sparse.
    void append(std::span<const std::byte> data);
    using Also = std::function<void(std::span<const std::byte>)>;
    /// Appends `length` bytes of the basis file from `offset` (both in bytes), and gives them piece by piece
    /// to `also` (if there is one). On a file system that can, whole blocks are shared with the basis, not
    /// copied, where both files have them at the same place in a block, and 256 KiB and more of them. Error
    /// corrupt if the basis is shorter, or there is none.
    void copy_from_basis(std::uint64_t offset, std::uint64_t length, const Also& also = {});
    /// Bytes so far.
    std::uint64_t size() const;
    /// Checksum of all that was appended, of the kind that create_file was told. Nothing may be appended
    /// after it.
    base::Digest digest();
    /// Sets owner, mode, time and extended attributes (packed) and records the change. The bytes are durable
    /// only after Staging::sync: one sync of the file system is cheaper than a million of files.
    void finish(const base::Attributes& attributes, std::string_view extended = {});

private:
    friend class Staging;
    struct State;
    explicit Slot(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

/// An object with extended attributes that a ground will have to hold.
struct ExtendedSample {
    std::string path;  ///< of one that has them, for messages
    base::FileType type = base::FileType::regular;
    std::string packed;
};

/// The next version of one tree: new and changed objects, complete with owner, mode, time and extended
/// attributes, in the reserved directory at the tree's root and at that of each further ground, and the lists
/// of what the commit will change. The live tree is only read.
///
/// An object whose parent is itself new is built inside its staged parent, so that a new directory with all
/// that it holds is one change. Hence parents first: create_directory before anything below it.
///
/// What was staged outlives the Staging, the process and the power: a later Staging of the same origin takes
/// regular files from it (docs/staging.md). Thread-safe: a receiver and a generator share one Staging.
class Staging {
public:
    /// A new generation in the reserved directory of each ground; the tree's own is the first, its `at` the
    /// root. `origin` (text without a newline) says whose content it is. Other generations there but those
    /// kept: of the same origin, they are earlier ones; all others are removed. Empty: there are no earlier
    /// ones, and nothing is kept for a later run.
    Staging(std::vector<Ground> grounds, const std::string& origin);
    /// Of a tree on one ground.
    Staging(const os::Directory& live, std::unique_ptr<os::Directory> reserved,
            const std::vector<Generation>& kept = {}, const std::string& origin = {});
    /// What was finished or begun stays for later runs, if a sync of its file system succeeds, which may take
    /// seconds (sync_behind leaves it little to do) and ignores signals; else, and when there is nothing of
    /// that, no trace stays.
    ~Staging();
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;

    /// Where the grounds lie in the tree, as given.
    std::vector<base::RelPath> grounds() const;
    /// Tries on that ground whether it takes the extended attributes of `samples`. Error unfit, naming those
    /// that it does not.
    void require_extended(std::size_t ground, const std::vector<ExtendedSample>& samples);
    /// os::Space::most_names of that ground.
    std::uint64_t most_names(std::size_t ground) const;
    /// Position of the ground that holds `path`. The mount point itself lies on what is mounted there.
    std::size_t ground_of(const base::RelPath& path) const;

    // Of these, all but change_attributes: Error unfit when `path` is a mount point.
    /// A new version of the regular file `path`, digested as `digest`; `basis` (may be null) is what
    /// copy_from_basis reads.
    std::unique_ptr<Slot> create_file(const base::RelPath& path, Over over, base::DigestKind digest,
                                      std::unique_ptr<const os::File> basis);
    /// A directory, link or special object. A directory's attributes are set by `finish`, when all it holds
    /// is there.
    void create(const base::RelPath& path, Over over, const base::Object& object);
    /// A further name (hard link) of `first`, a file, link or special object that this Staging has made since
    /// it began (again). Error internal when it has not, or when they lie on different grounds.
    void link(const base::RelPath& path, Over over, const base::RelPath& first);
    /// Of a directory, extended attributes too (packed).
    void change_attributes(const base::RelPath& path, const base::Attributes& before,
                           const base::Attributes& after, std::string_view extended_before = {},
                           std::string_view extended_after = {});
    void remove(const base::RelPath& path);

    /// Compares what earlier runs have staged with its digests, all of it (`progress.bytes_checked`); only
    /// what is good can be adopted afterwards, the rest is but a basis. Returns what is good. Before any
    /// other thread uses the Staging. Errors: cancelled.
    EarlierFiles check_earlier(base::Progress& progress, base::Cancellation& cancellation);
    /// A further pull begins: what is staged becomes an earlier generation, trusted, of which only the
    /// regular files are of use, and the list of changes is empty again. No Slot may be open. What nobody
    /// adopts is removed by `finish`.
    void begin_again();
    /// True when an earlier generation holds a regular file for `path` with this size and time of change, and
    /// of this content, if that is known.
    bool can_adopt(const base::RelPath& path, std::uint64_t size, const base::Timestamp& mtime,
                   const std::optional<ContentSum>& content = {}) const;
    /// What this run's pulls before this one hold on each ground, parts included, without what they had from
    /// earlier runs: room that this run has taken, and that this pull takes once more for what it does not
    /// adopt.
    std::vector<EarlierFiles> of_this_run() const;
    /// Makes that file the new version of `path`, without any copying. True when it is of an earlier run.
    bool adopt(const base::RelPath& path, Over over, std::uint64_t size, const base::Attributes& attributes,
               std::string_view extended = {});
    /// What earlier generations hold for `path`, as a basis.
    EarlierContent open_earlier(const base::RelPath& path) const;

    /// True when `path` lies below a directory that is new in this run.
    bool is_new(const base::RelPath& path) const;
    /// Makes what is staged so far durable while others go on. After a failure nothing of it is for later
    /// runs: the system may have lost what it still shows.
    void sync_behind();
    /// Does with what is staged so far what finish and sync would have to do later, when users wait; nothing
    /// where nothing is. More may follow. Fails as sync does.
    void settle();
    /// All is staged: sets the new directories' attributes, deepest first, removes the earlier generations,
    /// and gives the list of each ground, with paths from its root. No further creates.
    std::vector<ChangeList> finish_all();
    /// The same, of a Staging on one ground.
    ChangeList finish();
    /// Makes everything staged durable, and the generations, which a commit names be they empty. When that
    /// fails, all of it is removed: the system may have lost what it still shows.
    void sync();
    /// What finish gave will not be committed: what the destructor keeps is for later runs alone.
    void give_up();
    /// Removes what this Staging has made, on each ground as far as that can be: what cannot is logged. What
    /// is left of earlier runs stays.
    void discard();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ft::staging
