#include "fetch/freeable.h"

#include <optional>
#include <string>

#include "ft/base/cancellation.h"
#include "ft/base/error.h"
#include "ft/base/log.h"
#include "ft/commit/undo.h"
#include "ft/database/database.h"
#include "ft/records/held.h"

namespace ft::fetch {
namespace {

constexpr const char* kFreesUndo = "`ft undo --discard` frees what the last run replaced";

std::optional<std::string> data_directory_of(os::Machine& machine, const system::Description& system,
                                             const std::string& database, base::Cancellation& cancellation) {
    for (const auto& each : system.databases) {
        if (each.name == database) return database::data_directory({&machine, &system, &each}, cancellation);
    }
    return std::nullopt;
}

}  // namespace

std::vector<checks::Freeable> freeable(os::Machine& machine, const system::Description& system,
                                       const os::Directory& state) {
    std::vector<checks::Freeable> all;
    for (const records::Held& held : records::look_at_held(machine, system, state)) {
        all.push_back({held.pool, held.staged, "`ft discard` frees what failed runs have staged"});
        all.push_back({held.pool, held.kept, kFreesUndo});
    }
    base::Cancellation never;
    const auto guarded = [](const auto& look) {
        try {
            look();
        } catch (const base::Error& error) {
            base::log_info("{}", error.what());
        }
    };
    guarded([&] {
        const auto store = commit::undo_store(state);
        if (!store) return;
        for (const auto& swap : store->swaps) {
            guarded([&] {
                const auto size = database::previous_size(machine, swap, never);
                const auto path = data_directory_of(machine, system, swap.name, never);
                if (!size || !path) return;
                all.push_back({machine.open_root_to_read(*path)->space().pool, *size, kFreesUndo});
            });
        }
    });
    return all;
}

}  // namespace ft::fetch
