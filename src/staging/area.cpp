#include "staging/area.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::staging {
namespace {

constexpr std::uint32_t kReservedMode = 0700;

os::Status root_status(const os::Directory& root) {
    const auto status = root.status(".");
    if (!status) throw base::Error{base::ErrorKind::io, base::escape(root.path()) + ": is gone"};
    return *status;
}

void make_reserved(os::Directory& root, const os::Status& root_is) {
    root.create_directory(kReservedDirectory);
    // A new name changes the time of the directory that holds it, and the live tree is not ours to touch yet.
    root.set_attributes(".", root_is.attributes);
}

void require_ours(const os::Directory& root, const os::Status& root_is, const os::Status& reserved) {
    std::string_view wrong;
    if (reserved.type != os::FileType::directory) {
        wrong = "is no directory";
    } else if (reserved.attributes.uid != 0 || reserved.attributes.mode != kReservedMode) {
        wrong = "does not belong to root alone (mode 0700)";
    } else if (reserved.device != root_is.device) {
        wrong = "lies on another file system than the tree";
    }
    if (wrong.empty()) return;
    throw base::Error{base::ErrorKind::unfit,
                      fmt::format("{}/{}: {}", base::escape(root.path()), kReservedDirectory, wrong),
                      "This name is reserved for ft. Move it away, then run the same command again."};
}

/// Removes all but `kept`; true when nothing stays.
bool clear(os::Directory& reserved, const std::vector<Generation>& kept) {
    bool empty = true;
    for (const os::Name& there : reserved.list()) {
        const auto generation = generation_of(there.name);
        if (generation && std::find(kept.begin(), kept.end(), *generation) != kept.end()) {
            empty = false;
        } else {
            os::remove_all(reserved, there.name);
        }
    }
    return empty;
}

Generation next(Generation generation) { return Generation{static_cast<std::uint64_t>(generation) + 1}; }

}  // namespace

std::unique_ptr<os::Directory> open_reserved(os::Directory& root) {
    const os::Status root_is = root_status(root);
    const auto reserved_is = root.status(kReservedDirectory);
    if (reserved_is) {
        require_ours(root, root_is, *reserved_is);
    } else {
        make_reserved(root, root_is);
    }
    return root.open_directory(kReservedDirectory);
}

void free_staged(os::Directory& root, const std::vector<Generation>& kept) {
    const os::Status root_is = root_status(root);
    if (!root.status(kReservedDirectory)) return;
    if (!clear(*open_reserved(root), kept)) return;
    root.remove(kReservedDirectory);
    root.set_attributes(".", root_is.attributes);
}

Area::Area(const os::Directory& live, std::unique_ptr<os::Directory> reserved,
           const std::vector<Generation>& kept)
    : live_{live}, reserved_{std::move(reserved)} {
    clear(*reserved_, kept);
    // A kept number is not given again even where its directory is gone: whoever keeps it may yet remove it.
    const auto last = std::max_element(kept.begin(), kept.end());
    open_generation(next(last == kept.end() ? Generation{0} : *last));
}

void Area::open_generation(Generation generation) {
    const std::string name = generation_name(generation);
    reserved_->create_directory(name);
    slots_ = reserved_->open_directory(name);
    list_ = {.generation = generation, .changes = {}, .counts = {}};
    new_directories_.clear();
    held_.reset();
    held_path_.clear();
    last_slot_ = 0;
}

void Area::begin_again() {
    const std::lock_guard lock{mutex_};
    drop_earlier();
    earlier_generation_ = list_.generation;
    earlier_.emplace(reserved_->open_directory(generation_name(earlier_generation_)),
                     std::move(list_.changes));
    open_generation(next(earlier_generation_));
}

void Area::drop_earlier() {
    if (!earlier_) return;
    earlier_.reset();
    os::remove_all(*reserved_, generation_name(earlier_generation_));
}

Spot Area::spot(const base::RelPath& path, By by) {
    const std::lock_guard lock{mutex_};
    const base::RelPath parent = path.parent();
    const auto above = new_directories_.find(parent.bytes());
    if (above == new_directories_.end()) {
        const SlotNumber slot{++last_slot_};
        return {slots_, slot_name(slot), slot};
    }
    if (by == By::path)
        return {slots_, fmt::format("{}/{}", above->second.place, path.name()), SlotNumber{0}};
    if (held_path_ != parent.bytes()) {
        held_ = slots_->open_directory(above->second.place);
        held_path_ = parent.bytes();
    }
    return {held_, std::string{path.name()}, SlotNumber{0}};
}

bool Area::is_new(const base::RelPath& path) const {
    const std::lock_guard lock{mutex_};
    return new_directories_.contains(path.parent().bytes());
}

void Area::record(const base::RelPath& path, Over over, const Spot& spot, std::uint64_t inode, bool is_file,
                  const base::Attributes* directory) {
    Change change{.kind = ChangeKind::place, .path = path, .slot = spot.slot, .inode = inode};
    if (over == Over::something && spot.slot != SlotNumber{0}) {
        change.kind = ChangeKind::replace;
        note_live(change);
        change.replaced = std::exchange(change.inode, inode);
    }
    if (directory != nullptr) {
        change.is_directory = true;
        change.after = *directory;
    }
    const std::lock_guard lock{mutex_};
    ++(is_file ? list_.counts.files : list_.counts.others);
    if (spot.slot != SlotNumber{0}) list_.changes.push_back(std::move(change));
}

void Area::record_directory(const base::RelPath& path, const Spot& spot, const base::Attributes& attributes) {
    const std::lock_guard lock{mutex_};
    new_directories_.insert_or_assign(path.bytes(), NewDirectory{spot.name, attributes});
}

void Area::record_attributes(const base::RelPath& path, const base::Attributes& before,
                             const base::Attributes& after) {
    Change change{.kind = ChangeKind::attributes, .path = path};
    note_live(change);
    change.before = before;
    change.after = after;
    const std::lock_guard lock{mutex_};
    ++list_.counts.attributes;
    list_.changes.push_back(std::move(change));
}

void Area::record_removal(const base::RelPath& path) {
    Change change{.kind = ChangeKind::remove, .path = path};
    note_live(change);
    const std::lock_guard lock{mutex_};
    ++list_.counts.removed;
    change.slot = SlotNumber{++last_slot_};
    list_.changes.push_back(std::move(change));
}

void Area::note_live(Change& change) const {
    const auto status = live_.status(change.path.bytes());
    if (!status) {
        throw base::Error{
            base::ErrorKind::io,
            fmt::format("{}/{}: vanished during the run", base::escape(live_.path()), change.path.escaped()),
            "Stop what changes this tree, then run the same command again."};
    }
    change.inode = status->inode;
    change.was_directory = status->type == base::FileType::directory;
    if (change.was_directory) change.before = status->attributes;
}

ChangeList Area::finish() {
    const std::lock_guard lock{mutex_};
    drop_earlier();
    std::vector<const NewDirectory*> deepest_first;
    for (const auto& [path, directory] : new_directories_) deepest_first.push_back(&directory);
    const auto depth = [](const NewDirectory* directory) {
        return std::count(directory->place.begin(), directory->place.end(), '/');
    };
    std::sort(deepest_first.begin(), deepest_first.end(),
              [&](const NewDirectory* a, const NewDirectory* b) { return depth(a) > depth(b); });
    for (const NewDirectory* directory : deepest_first) {
        slots_->set_attributes(directory->place, directory->attributes);
    }
    return std::move(list_);
}

void Area::discard() {
    const std::lock_guard lock{mutex_};
    held_.reset();
    held_path_.clear();
    drop_earlier();
    os::remove_all(*reserved_, generation_name(list_.generation));
}

}  // namespace ft::staging
