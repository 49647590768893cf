#include "commit/target.h"

#include "ft/base/error.h"
#include "ft/base/log.h"
#include "ft/staging/names.h"

namespace ft::commit {
namespace {

using staging::MoveKind;

using Found = std::optional<os::Status>;

bool is(const Found& found, std::uint64_t inode) { return found && found->inode == inode; }

/// Some file systems (XFS) move the time of a directory that moves itself: back to `time`.
void keep_time(os::Directory& directory, std::string_view name, const std::optional<base::Timestamp>& time) {
    if (!time) return;
    const Found now = directory.status(name);
    if (!now || now->type != os::FileType::directory || now->attributes.mtime == *time) return;
    base::Attributes kept = now->attributes;
    kept.mtime = *time;
    directory.set_attributes(name, kept);
}

std::optional<base::Timestamp> time_of(const Found& found) {
    if (!found || found->type != os::FileType::directory) return std::nullopt;
    return found->attributes.mtime;
}

}  // namespace

Target::Target(LiveTrees& trees, const Move& move)
    : trees_{trees},
      move_{move},
      slots_{*trees.trees_[move.tree].slots},
      name_{move.path.name()},
      slot_{staging::slot_name(move.slot)} {}

// Opened when it is needed: what was not applied needs no way to it, and somebody may have barred that.
os::Directory* Target::find_live() {
    if (live_ == nullptr) live_ = trees_.parent(move_.tree, move_.path);
    return live_;
}

os::Directory& Target::live() {
    if (find_live() == nullptr) refuse("its directory is gone");
    return *live_;
}

Found Target::at_path() { return find_live() != nullptr ? live_->status(name_) : std::nullopt; }

std::uint64_t Target::leaving() const {
    return move_.kind == MoveKind::replace ? move_.replaced : move_.inode;
}

void Target::place(bool fresh) {
    if (!fresh && !at_slot()) return keep_time(live(), name_, move_.time.get());
    try {
        slots_.rename(slot_, live(), name_);
    } catch (const base::Error&) {
        if (at_path()) refuse("appeared during the run");
        throw;
    }
    if (!is(at_path(), move_.inode)) refuse("was exchanged for something else at this very moment");
    keep_time(live(), name_, move_.time.get());
}

void Target::replace(bool fresh) {
    if (!fresh) {
        const Found in_slot = at_slot();
        if (is(in_slot, move_.replaced)) return keep_time(live(), name_, move_.time.get());
        if (!is(in_slot, move_.inode)) put_back_what_was_met(in_slot);
        const Found there = at_path();
        if (there && !is(there, move_.replaced)) refuse("was replaced during the run");
    }
    try {
        exchange();
    } catch (const base::Error&) {
        if (!at_path()) refuse("vanished during the run");
        throw;
    }
    if (!fresh) require_replaced();
    keep_time(live(), name_, move_.time.get());
}

void Target::require_replaced() {
    const Found met = at_slot();
    if (is(met, move_.replaced)) return;
    put_back_what_was_met(met);
    refuse("was replaced during the run");
}

void Target::remove(bool fresh) {
    const Found in_slot = fresh ? std::nullopt : at_slot();
    const Found there = at_path();
    if (is(in_slot, move_.inode)) {
        if (there) base::log_warning("{}: appeared during the commit, and stays", shown());
        return;
    }
    if (in_slot) put_back_what_was_met(in_slot);
    if (!there && !in_slot) return;  // somebody else removed it
    if (in_slot || !is(there, move_.inode)) refuse("was replaced during the run");
    live().rename(name_, slots_, slot_);
    if (const Found met = at_slot(); !is(met, move_.inode)) {
        put_back_what_was_met(met);
        refuse("was exchanged for something else at this very moment");
    }
}

/// A change takes its object by name: what it met may be what somebody put there in that moment.
void Target::put_back_what_was_met(const Found& in_slot) {
    if (!in_slot || in_slot->inode == move_.inode) return;
    if (move_.kind == MoveKind::remove) {
        if (!at_path()) slots_.rename(slot_, live(), name_);
    } else if (is(at_path(), move_.inode)) {
        exchange();
    }
}

void Target::take_away(Way way) {
    if (at_slot()) return;
    const Found there = at_path();
    if (!there) return;
    if (!is(there, move_.inode)) {
        base::log_warning("{}: is not what the run had put there, and goes", shown());
    }
    live().rename(name_, slots_, slot_);
    if (way == Way::undo) keep_time(slots_, slot_, time_of(there));
}

void Target::put_back(Way way) {
    const auto time = (move_.kind == MoveKind::replace ? move_.replaced_time : move_.time).get();
    const Found in_slot = at_slot();
    if (!is(in_slot, leaving())) {
        if (way == Way::roll_back) put_back_what_was_met(in_slot);
        if (way == Way::roll_back && !time) return;
        if (is(at_path(), leaving())) return keep_time(live(), name_, time);
        if (way == Way::undo) base::log_warning("{}: cannot be put back, it is gone", shown());
        return;
    }
    if (way == Way::undo && find_live() == nullptr) {
        base::log_warning("{}: cannot be put back, its directory is gone", shown());
        return;
    }
    const Found there = at_path();
    const bool ours = move_.kind == MoveKind::replace && is(there, move_.inode);
    if (there && !ours)
        base::log_warning("{}: appeared since, and gives way to what was there before", shown());
    if (there) {
        exchange();
        if (way == Way::undo) keep_time(slots_, slot_, time_of(there));
    } else {
        slots_.rename(slot_, live(), name_);
    }
    keep_time(live(), name_, time);
}

void Target::redo() {
    const Found in_slot = at_slot();
    if (move_.kind == MoveKind::place) {
        if (!in_slot) return;
        slots_.rename(slot_, live(), name_);
        return keep_time(live(), name_, time_of(in_slot));
    }
    if (!is(at_path(), leaving())) return;  // applied, or never to be put back
    if (in_slot) {
        exchange();
        keep_time(live(), name_, time_of(in_slot));
    } else {
        live().rename(name_, slots_, slot_);
    }
}

void Target::exchange() { slots_.exchange(slot_, live(), name_); }

void Target::refuse(std::string_view why) const { commit::refuse(shown(), why); }

}  // namespace ft::commit
