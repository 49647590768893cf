#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ft/os/file.h"
#include "ft/staging/change_list.h"
#include "ft/staging/staging.h"

namespace ft::staging {

/// What one generation changes on one ground, as far as it is recorded, and the numbers of its slots. One
/// thread at a time, but for live_now.
class Changes {
public:
    /// `live`, the ground's root, is referred to.
    explicit Changes(const os::Directory& live) : live_{live} {}

    /// Nothing is recorded, of a new generation.
    void begin(Generation generation);
    Generation generation() const { return list_.generation; }
    /// A slot that was not given yet.
    SlotNumber next_slot();
    /// A slot was given, or something recorded that was not taken yet.
    bool any_since_begin() const { return last_slot_ > 0 || !list_.settings.empty(); }

    /// What the live tree holds at `path`; Error io when that is nothing. Any thread.
    os::Status live_now(const base::RelPath& path) const;

    /// `move` puts a staged object into the tree; one without a slot moves with its directory, and only
    /// counts.
    void place(Move move, bool is_file);
    void set(Setting setting, std::string_view extended_before, std::string_view extended_after);
    /// The object `live` leaves the tree.
    void remove(const base::RelPath& path, const os::Status& live);
    /// The slot of what was placed last at `path`; 0 when nothing was.
    SlotNumber placed(const base::RelPath& path);

    /// What was recorded; nothing is, any more.
    ChangeList take();

private:
    const Move* find_placed(const base::RelPath& path) const;
    void sort_by_path();

    const os::Directory& live_;
    ChangeList list_;
    std::uint64_t last_slot_ = 0;
    // For links: the moves so far, by path; made anew when one is missing.
    std::vector<std::uint32_t> by_path_;
};

/// For Move: the time of `live` if it is a directory; else none.
DirectoryTime time_of(const os::Status& live);

}  // namespace ft::staging
