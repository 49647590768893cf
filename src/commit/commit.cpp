#include "ft/commit/commit.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "commit/journal.h"
#include "commit/plan.h"
#include "commit/settle.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"

namespace ft::commit {
namespace {

/// What an earlier commit left to free has to go before its journal gives way. The trees of `plan` are not
/// asked: their slots were emptied when this run began to stage, and hold its own objects now.
void clear_earlier(os::Machine& machine, os::Directory& state, const Plan& plan, DatabaseSwapper& swapper) {
    const std::optional<Journal> earlier = read_journal(state);
    if (!earlier) return;
    if (earlier->phase == Phase::committed || earlier->phase == Phase::rolling_back) {
        throw base::Error{base::ErrorKind::internal, "an unfinished commit waits for its recovery"};
    }
    if (earlier->phase != Phase::prepared) {
        free_databases(*earlier, swapper);
        for (std::size_t tree = 0; tree < earlier->plan.trees.size(); ++tree) {
            const std::string& path = earlier->plan.trees[tree].path;
            const bool in_plan =
                std::any_of(plan.trees.begin(), plan.trees.end(),
                            [&](const TreeChanges& changes) { return changes.root == path; });
            if (in_plan) continue;
            try {
                free_tree(machine, *earlier, tree);
            } catch (const base::Error& error) {
                base::log_warning("old objects are not all removed: {}", error.what());
            }
        }
    }
    remove_journal(state);
}

/// COMMIT. If it cannot be written, the journal goes: a COMMIT that may or may not be on the disk decides
/// nothing.
void decide(os::Directory& state, Journal& journal) {
    try {
        append(state, journal, Phase::committed);
    } catch (const base::Error& failed) {
        try {
            remove_journal(state);
        } catch (const base::Error& error) {
            throw base::Error{base::ErrorKind::recovery,
                              std::string{"whether the commit was recorded is unknown: "} + error.what(),
                              "Remove the cause, then run the same command again: it finds out."};
        }
        throw failed;
    }
}

}  // namespace

Committed commit(os::Machine& machine, os::Directory& state, const Plan& plan, DatabaseSwapper& swapper) {
    clear_earlier(machine, state, plan, swapper);
    OrderedPlan ordered = order(machine, plan);
    LiveTrees trees{machine, ordered.trees};
    Journal journal = write_journal(state, std::move(ordered));
    decide(state, journal);
    const Committed result = settle(state, journal, trees, swapper);
    free_all(machine, state, journal, swapper);
    return result;
}

}  // namespace ft::commit
