#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ft/os/file.h"
#include "ft/staging/change_list.h"
#include "ft/staging/probe.h"
#include "ft/staging/staging.h"
#include "staging/changes.h"
#include "staging/earlier.h"
#include "staging/log.h"

namespace ft::staging {

/// Where a staged object lies: a name in a directory of the staging.
struct Spot {
    std::shared_ptr<os::Directory> directory;
    std::string name;
    SlotNumber slot{0};  ///< none: the object moves with the new directory that holds it
    std::string place;   ///< its path from the generation's directory
};

/// The slots of one ground and the changes recorded so far; what Staging and its Slots share. Paths are from
/// the ground's root. Thread-safe.
class Area {
public:
    /// `live` is the ground's root.
    Area(const os::Directory& live, std::unique_ptr<os::Directory> reserved,
         const std::vector<Generation>& kept, const std::string& origin);
    ~Area();
    Area(const Area&) = delete;
    Area& operator=(const Area&) = delete;

    /// How a spot is named: `path`: from the slots, for what is made once and not opened; `handle`: in its
    /// directory, which is held open.
    enum class By { path, handle };
    /// A spot for the new version of `path`. What was begun for it before is removed.
    Spot spot(const base::RelPath& path, By by);
    /// Where `path` was staged since the last begin_again; Error internal when it was not.
    std::string staged(const base::RelPath& path);
    /// A further name for what was staged at `place`.
    void link(const std::string& place, const Spot& spot) { slots_->link(place, *spot.directory, spot.name); }
    bool is_new(const base::RelPath& path) const;

    /// Counts the object that was built at `spot`, and makes it a change if it does not move with its parent.
    /// `directory`: its attributes, if it is one.
    void record(const base::RelPath& path, Over over, const Spot& spot, std::uint64_t inode, bool is_file,
                const base::Attributes* directory = nullptr);
    void record_attributes(const base::RelPath& path, const base::Attributes& before,
                           const base::Attributes& after, std::string_view extended_before,
                           std::string_view extended_after);
    void record_removal(const base::RelPath& path);
    /// `path` was made at `spot`: what comes below it is built there.
    void record_directory(const base::RelPath& path, const Spot& spot, const base::Object& directory);
    void require_extended(const std::vector<ExtendedSample>& samples) {
        staging::require_extended(*reserved_, samples);
    }

    /// Notes for later runs that the file at `place` was begun, or is complete (`facts`: size, time, digest).
    void note_begun(const base::RelPath& path, const std::string& place);
    void note_complete(const base::RelPath& path, const std::string& place, LogEntry facts);
    /// The file that was begun at `place` stays, incomplete.
    void leave_begun(const base::RelPath& path, const std::string& place);

    /// Makes a file of an earlier generation the new version of `path`. True when it is of an earlier run.
    bool adopt(const base::RelPath& path, Over over, std::uint64_t size, const base::Attributes& attributes,
               std::string_view extended);
    /// What was recorded so far, and the slots with it, become an earlier generation.
    void begin_again();
    Earlier& earlier() { return earlier_; }
    EarlierFiles of_this_run() const;

    /// Removes what was begun and came to no end, and sets the attributes of new directories.
    void complete();
    ChangeList finish();
    /// Makes everything staged durable, and the generation itself.
    void sync();
    /// The same, while others go on. When that fails, nothing is kept.
    void sync_behind();
    /// Nothing of this generation needs to be durable, unless a commit names it.
    bool holds_nothing() const { return !changes_.any_since_begin() && !moved_; }
    void discard();
    /// What finish gave will not be committed.
    void give_up() { finished_ = false; }

    std::uint64_t most_names() const { return reserved_->space().most_names; }

private:
    struct NewDirectory {
        std::string place;  // path from the slots
        base::Attributes attributes;
        std::string extended;
        bool complete = false;  // its attributes are set, and nothing was made in it since
    };
    struct Adopted {
        os::Directory* from = nullptr;  // its generation's
        std::string at;                 // in that
        std::string place;              // path from the slots
    };
    void keep_earlier(const std::vector<Generation>& generations);
    void add_earlier(Generation generation, bool of_this_run);
    void remove_empty();
    void move_adopted();
    void sync_moves();
    void require_kept() const;
    void forget();
    void open_generation(Generation generation);
    void remove(Generation generation) { os::remove_all(*reserved_, generation_name(generation)); }
    void remove_own();
    bool has_own_earlier() const;
    bool try_to_keep();
    void close();

    std::unique_ptr<os::Directory> reserved_;
    const std::string origin_;
    std::shared_ptr<os::Directory> slots_;  // of the generation that is built
    mutable std::mutex mutex_;
    std::unordered_map<std::string, NewDirectory> new_directories_;  // by path
    Changes changes_;
    bool finished_ = false;
    std::atomic<bool> lost_ = false;                      // a sync failed: what is here may not be there
    std::optional<Log> log_;                              // nothing once it is closed
    std::unordered_map<std::string, std::string> begun_;  // path -> place of what was left
    // Files arrive directory by directory: one handle saves resolving the path of each.
    std::string held_path_;
    std::shared_ptr<os::Directory> held_;
    Earlier earlier_;
    std::vector<Generation> aside_;  // earlier ones too, of no use in this run
    std::vector<Adopted> adopted_;   // not moved yet
    bool moved_ = false;             // since the last sync
    EarlierFiles taken_;             // adopted from earlier runs
};

}  // namespace ft::staging
