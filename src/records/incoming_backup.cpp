#include "ft/records/incoming_backup.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/records/state_directory.h"
#include "ft/staging/names.h"
#include "ft/staging/staging.h"

namespace ft::records {
namespace {

// In the reserved directory, once all is staged: what goes where, a line each.
constexpr std::string_view kPlacing = "placing";
constexpr std::size_t kLongestList = 16 * 1024 * 1024;  // bytes

std::string list_path() { return fmt::format("{}/{}", staging::kReservedDirectory, kPlacing); }

/// Slot and name, as place_backup wrote them.
std::vector<std::pair<std::string, std::string>> read_list(const os::Directory& incoming) {
    std::vector<std::pair<std::string, std::string>> moves;
    const std::string text = os::read_all(incoming, list_path(), kLongestList);
    for (std::string_view left = text; !left.empty();) {
        const std::string_view line = left.substr(0, left.find('\n'));
        left.remove_prefix(std::min(left.size(), line.size() + 1));
        const std::size_t space = std::min(line.find(' '), line.size());
        moves.emplace_back(line.substr(0, space),
                           base::unescape(line.substr(std::min(space + 1, line.size()))));
    }
    return moves;
}

void go_on_placing(os::Directory& incoming) {
    for (const auto& [slot, name] : read_list(incoming)) {
        if (incoming.status(slot)) incoming.rename(slot, incoming, name);
    }
    // The list goes last.
    const auto reserved = incoming.open_directory(staging::kReservedDirectory);
    for (const os::Name& each : reserved->list()) {
        if (each.name != kPlacing) os::remove_all(*reserved, each.name);
    }
    staging::free_staged(incoming);
}

/// True when nothing of it is still to be placed.
bool is_whole(os::Directory& incoming) {
    try {
        if (incoming.status(list_path())) go_on_placing(incoming);
    } catch (const base::Error& error) {  // what is not placed is fetched again
        base::log_warning("{}", error.what());
    }
    return !incoming.status(staging::kReservedDirectory) ||
           incoming.open_directory(staging::kReservedDirectory)->list().empty();
}

}  // namespace

void place_backup(os::Directory& incoming, const staging::ChangeList& staged) {
    std::string list;
    for (const staging::Move& move : staged.moves) {
        if (move.kind == staging::MoveKind::place)
            list +=
                fmt::format("{} {}\n", staging::slot_path(staged.generation, move.slot), move.path.escaped());
    }
    os::write_whole(incoming, list_path(), list);
    go_on_placing(incoming);
}

void keep_incoming_backup(os::Directory& state) {
    if (!state.status(kIncomingBackup)) return;
    const std::unique_ptr<os::Directory> incoming = state.open_directory(kIncomingBackup);
    const bool whole = is_whole(*incoming);
    if (whole) staging::close_reserved(*incoming);
    const auto names = incoming->list();
    if (names.empty()) return state.remove(kIncomingBackup);
    // Half a dump is better than none.
    if (whole || (names.size() > 1 && !state.status(kLastBackup))) {
        os::remove_all(state, kLastBackup);
        state.rename(kIncomingBackup, state, kLastBackup);
        return;
    }
    // The next pull fills an empty directory.
    for (const os::Name& name : names) {
        if (name.name != staging::kReservedDirectory) os::remove_all(*incoming, name.name);
    }
}

}  // namespace ft::records
