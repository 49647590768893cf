#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ft/os/file.h"
#include "ft/staging/change_list.h"
#include "ft/staging/staging.h"
#include "staging/earlier.h"

namespace ft::staging {

/// Where a staged object lies: a name in a directory of the staging.
struct Spot {
    std::shared_ptr<os::Directory> directory;
    std::string name;
    SlotNumber slot{0};  ///< none: the object moves with the new directory that holds it
};

/// The slots of a tree and the changes recorded so far; what Staging and its Slots share. Thread-safe.
class Area {
public:
    Area(const os::Directory& live, std::unique_ptr<os::Directory> reserved,
         const std::vector<Generation>& kept);

    /// How a spot is named: `path`: from the slots, for what is made once and not opened; `handle`: in its
    /// directory, which is held open.
    enum class By { path, handle };
    /// A spot for the new version of `path`.
    Spot spot(const base::RelPath& path, By by);
    bool is_new(const base::RelPath& path) const;

    /// Counts the object that was built at `spot`, and makes it a change if it does not move with its parent.
    /// `directory`: its attributes, if it is one.
    void record(const base::RelPath& path, Over over, const Spot& spot, std::uint64_t inode, bool is_file,
                const base::Attributes* directory = nullptr);
    void record_attributes(const base::RelPath& path, const base::Attributes& before,
                           const base::Attributes& after);
    void record_removal(const base::RelPath& path);
    /// `path` was made at `spot`: what comes below it is built there.
    void record_directory(const base::RelPath& path, const Spot& spot, const base::Attributes& attributes);

    /// What was recorded so far, and the slots with it, become the earlier generation.
    void begin_again();
    /// Null before begin_again and after finish.
    Earlier* earlier() { return earlier_ ? &*earlier_ : nullptr; }

    ChangeList finish();
    /// Makes everything staged durable.
    void sync() { reserved_->sync_file_system(); }
    void discard();

private:
    struct NewDirectory {
        std::string place;  // path from the slots
        base::Attributes attributes;
    };
    /// What the change's path holds in the live tree now.
    void note_live(Change& change) const;
    void open_generation(Generation generation);
    void drop_earlier();

    const os::Directory& live_;
    std::unique_ptr<os::Directory> reserved_;
    std::shared_ptr<os::Directory> slots_;  // of the generation that is built
    mutable std::mutex mutex_;
    std::uint64_t last_slot_ = 0;
    std::unordered_map<std::string, NewDirectory> new_directories_;  // by path in the tree
    ChangeList list_;
    // Files arrive directory by directory: one handle saves resolving the path of each.
    std::string held_path_;
    std::shared_ptr<os::Directory> held_;
    std::optional<Earlier> earlier_;  // what an earlier pull of the run staged
    Generation earlier_generation_{0};
};

}  // namespace ft::staging
