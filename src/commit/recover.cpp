#include <fmt/format.h>

#include <memory>
#include <optional>

#include "commit/apply.h"
#include "commit/journal.h"
#include "commit/settle.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/commit/commit.h"

namespace ft::commit {
namespace {

void finish(os::Machine& machine, os::Directory& state, Journal& journal, DatabaseSwapper& swapper) {
    const std::string run = base::escape(journal.plan.run_id);
    std::unique_ptr<LiveTrees> trees;
    try {
        trees = std::make_unique<LiveTrees>(machine, journal.plan.trees);
    } catch (const base::Error& error) {
        // A file system that is not mounted yet must not look like an empty tree.
        throw base::Error{base::ErrorKind::recovery,
                          fmt::format("the unfinished commit of run {} cannot go on: {}", run, error.what()),
                          "Mount the file system of this tree, then run the same command again."};
    }
    const Committed result = settle(machine, state, journal, *trees, swapper);
    if (!result.reason.empty()) base::log_warning("run {} was taken back: {}", run, result.reason);
}

}  // namespace

Recovered recover(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper) {
    std::optional<Journal> journal = read_journal(state);
    if (!journal || journal->phase == Phase::prepared) {
        remove_journal(state);
        return {};
    }
    if (journal->is_open()) finish(machine, state, *journal, swapper);
    free_all(machine, state, *journal, swapper);
    const bool done = journal->phase == Phase::done;
    return {done ? base::Outcome::committed : base::Outcome::rolled_back, journal->plan.run_id};
}

bool needs_recovery(const os::Directory& state) {
    try {
        const std::optional<Journal> journal = read_journal(state);
        return journal && journal->is_open();
    } catch (const base::Error& error) {
        if (error.kind() != base::ErrorKind::recovery) throw;
        return true;  // recover says what is wrong with it
    }
}

}  // namespace ft::commit
