#include "staging/changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::staging {

void Changes::begin(Generation generation) {
    list_ = {.generation = generation};
    last_slot_ = 0;
    by_path_ = {};
}

SlotNumber Changes::next_slot() { return SlotNumber{++last_slot_}; }

os::Status Changes::live_now(const base::RelPath& path) const {
    if (const auto status = live_.status(path.bytes())) return *status;
    throw base::Error{
        base::ErrorKind::io,
        fmt::format("{}/{}: vanished during the run", base::escape(live_.path()), path.escaped()),
        "Stop what changes this tree, then run the same command again."};
}

void Changes::place(Move move, bool is_file) {
    ++(is_file ? list_.counts.files : list_.counts.others);
    if (move.slot != SlotNumber{0}) list_.moves.push_back(std::move(move));
}

void Changes::set(Setting setting, std::string_view extended_before, std::string_view extended_after) {
    ++list_.counts.attributes;
    setting.extended = list_.extended.add(extended_before, extended_after);
    list_.settings.push_back(std::move(setting));
}

void Changes::remove(const base::RelPath& path, const os::Status& live) {
    ++list_.counts.removed;
    list_.moves.push_back({.path = path,
                           .inode = live.inode,
                           .slot = next_slot(),
                           .time = time_of(live),
                           .kind = MoveKind::remove});
}

SlotNumber Changes::placed(const base::RelPath& path) {
    const Move* found = find_placed(path);
    if (found == nullptr) {
        sort_by_path();
        found = find_placed(path);
    }
    return found == nullptr ? SlotNumber{0} : found->slot;
}

void Changes::sort_by_path() {
    by_path_.clear();
    for (std::uint32_t i = 0; i < list_.moves.size(); ++i) {
        if (list_.moves[i].kind != MoveKind::remove) by_path_.push_back(i);
    }
    std::stable_sort(by_path_.begin(), by_path_.end(), [this](std::uint32_t a, std::uint32_t b) {
        return list_.moves[a].path.bytes() < list_.moves[b].path.bytes();
    });
}

/// Null also for what was placed since the moves were sorted.
const Move* Changes::find_placed(const base::RelPath& path) const {
    const auto end = std::upper_bound(by_path_.begin(), by_path_.end(), path.bytes(),
                                      [this](const std::string& wanted, std::uint32_t move) {
                                          return wanted < list_.moves[move].path.bytes();
                                      });
    if (end == by_path_.begin()) return nullptr;
    const Move& last = list_.moves[*std::prev(end)];
    return last.path == path ? &last : nullptr;
}

ChangeList Changes::take() { return std::exchange(list_, {.generation = list_.generation}); }

DirectoryTime time_of(const os::Status& live) {
    return live.type == base::FileType::directory ? DirectoryTime{live.attributes.mtime} : DirectoryTime{};
}

}  // namespace ft::staging
