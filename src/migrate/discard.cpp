#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/commit/undo.h"
#include "ft/migrate/here.h"
#include "ft/records/held.h"
#include "ft/records/state_directory.h"
#include "ft/records/tree_roots.h"
#include "ft/staging/staging.h"
#include "ft/system/description.h"
#include "ft/ui/format.h"
#include "migrate/heal.h"

namespace ft::migrate {

void discard(os::Machine& machine, const DiscardOptions& options, ui::Console& console) {
    const system::Description system = system::load(machine, options.system_file, options.root);
    records::StateDirectory locked{machine, system, "ft discard"};
    os::Directory& state = locked.directory();
    heal(machine, system, state, console);
    std::uint64_t freed = 0;
    for (const records::Held& held : records::look_at_held(machine, system, state)) {
        if (held.staged == 0) continue;
        const auto root = machine.open_root(held.root);
        staging::free_staged(*root, commit::kept_generations(state, *root), &state);
        console.say(fmt::format("{}: {} freed.", base::escape(held.root), ui::bytes(held.staged)));
        freed += held.staged;
    }
    records::remove_tree_roots(machine, state);
    if (state.status(records::kIncomingBackup)) {
        const std::uint64_t bytes = records::bytes_on_disk(state, records::kIncomingBackup);
        os::remove_all(state, records::kIncomingBackup);
        console.say(fmt::format("The backup that was not complete: {} freed.", ui::bytes(bytes)));
        freed += bytes;
    }
    if (freed == 0) console.say("Nothing is staged here.");
    console.event("discarded", {{"bytes", freed}});
    if (commit::undo_store(state))
        console.say("What `ft undo` needs is still there; `ft undo --discard` frees that.");
}

}  // namespace ft::migrate
