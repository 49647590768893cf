#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/os/machine.h"
#include "ft/system/description.h"
#include "ft/system/phase.h"

namespace ft::migrate {

/// When hooks run (docs/system-json.md, "Hooks").
enum class Moment { before_backup, after_restore, before_commit, after_commit };

/// What a hook is told of its run.
struct HookFacts {
    std::string run_id{};  ///< empty: a backup that the source makes before there is a run
    system::Phase phase = system::Phase::rehearsal;
    std::map<std::string, std::string> incoming{};  ///< database -> what it is called beside the live one
};

/// Hears a line for people before each hook.
using Tell = std::function<void(const std::string& line)>;

/// Runs the hooks of `moment` in their order. Error command at the first that fails; cancelled.
void run_hooks(os::Machine& machine, const system::Description& system, Moment moment, const HookFacts& facts,
               base::Cancellation& cancellation, const Tell& tell = {});

/// Runs all hooks of `moment`, also behind one that fails; returns a line for each that failed.
std::vector<std::string> try_hooks(os::Machine& machine, const system::Description& system, Moment moment,
                                   const HookFacts& facts, base::Cancellation& cancellation,
                                   const Tell& tell = {});

}  // namespace ft::migrate
