#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "commit/apply.h"

namespace ft::commit {

/// One move where it happens: the object's name in the live tree, and its slot. Each function may be repeated
/// after it was interrupted anywhere.
class Target {
public:
    Target(LiveTrees& trees, const Move& move);

    // For a commit. `fresh`: it was not begun before, so the step comes first and one look after it.
    void place(bool fresh);
    void replace(bool fresh);
    void remove(bool fresh);
    /// After a fresh replace: the slot holds what it was to replace; what it holds instead is put back.
    void require_replaced();
    /// What an undo has reversed.
    void redo();

    /// The reverse of place: whatever is at the path goes into the slot.
    void take_away(Way way);
    /// The reverse of replace and remove: the slot's object comes back, whatever is at the path goes into the
    /// slot.
    void put_back(Way way);

private:
    using Found = std::optional<os::Status>;

    /// Null where there is none.
    os::Directory* find_live();
    os::Directory& live();
    Found at_path();
    Found at_slot() const { return slots_.status(slot_); }
    /// The object that leaves the tree when the move is applied.
    std::uint64_t leaving() const;
    void exchange();
    void put_back_what_was_met(const Found& in_slot);
    [[noreturn]] void refuse(std::string_view why) const;

    std::string shown() const { return trees_.shown(move_.tree, move_.path); }

    LiveTrees& trees_;
    const Move& move_;
    os::Directory* live_ = nullptr;  // once it was needed and there
    os::Directory& slots_;
    std::string name_;  // in the live directory
    std::string slot_;  // in the slots
};

}  // namespace ft::commit
