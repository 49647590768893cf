#include "migrate/hooks.h"

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/system/commands.h"
#include "ft/system/hook_variables.h"

namespace ft::migrate {
namespace {

constexpr std::chrono::hours kTimeLimit{1};

const char* name_of(Moment moment) {
    switch (moment) {
        case Moment::before_backup:
            return "before_backup";
        case Moment::after_restore:
            return "after_restore";
        case Moment::before_commit:
            return "before_commit";
        case Moment::after_commit:
            return "after_commit";
    }
    return "";
}

const std::vector<system::Argv>& hooks_of(const system::Hooks& hooks, Moment moment) {
    switch (moment) {
        case Moment::before_backup:
            return hooks.before_backup;
        case Moment::after_restore:
            return hooks.after_restore;
        case Moment::before_commit:
            return hooks.before_commit;
        case Moment::after_commit:
            break;
    }
    return hooks.after_commit;
}

std::map<std::string, std::string> environment(const system::Description& system, Moment moment,
                                               const HookFacts& facts) {
    std::map<std::string, std::string> variables{{"FT_HOOK", name_of(moment)},
                                                 {"FT_RUN_ID", facts.run_id},
                                                 {"FT_PHASE", std::string{system::name_of(facts.phase)}},
                                                 {"FT_ROOT", system.root}};
    for (const auto& tree : system.trees)
        variables[system::tree_variable(tree.name)] = system.below_root(tree.path);
    for (const auto& database : system.databases) {
        const auto incoming = facts.incoming.find(database.name);
        variables[system::database_variable(database.name)] =
            incoming == facts.incoming.end() ? database.name : incoming->second;
    }
    return variables;
}

std::vector<system::Program> programs(const system::Description& system, Moment moment,
                                      const HookFacts& facts) {
    const std::vector<system::Argv>& hooks = hooks_of(system.hooks, moment);
    std::vector<system::Program> programs;
    for (const system::Argv& argv : hooks) {
        const std::string what = fmt::format("hook {} ({})", name_of(moment), base::escape(argv.front()));
        programs.push_back({what, argv, environment(system, moment, facts), kTimeLimit});
    }
    return programs;
}

}  // namespace

void run_hooks(os::Machine& machine, const system::Description& system, Moment moment, const HookFacts& facts,
               base::Cancellation& cancellation, const Tell& tell) {
    for (const system::Program& hook : programs(system, moment, facts)) {
        if (tell) tell(fmt::format("Running {}.", hook.what));
        system::require(machine, hook, cancellation);
    }
}

std::vector<std::string> try_hooks(os::Machine& machine, const system::Description& system, Moment moment,
                                   const HookFacts& facts, base::Cancellation& cancellation,
                                   const Tell& tell) {
    std::vector<std::string> failures;
    for (const system::Program& hook : programs(system, moment, facts)) {
        if (tell) tell(fmt::format("Running {}.", hook.what));
        try {
            system::require(machine, hook, cancellation);
        } catch (const base::Error& error) {
            failures.emplace_back(error.what());
        }
    }
    return failures;
}

}  // namespace ft::migrate
