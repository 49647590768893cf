#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "commit/apply.h"
#include "commit/journal.h"
#include "commit/settle.h"
#include "commit/store.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/commit/commit.h"
#include "ft/staging/names.h"

namespace ft::commit {
namespace {

constexpr std::string_view kAll[] = {kJournal, kUndo, kDiscarded};

base::Outcome finish(os::Machine& machine, os::Directory& state, Journal& journal, DatabaseSwapper& swapper) {
    const std::string run = base::escape(journal.plan.run_id);
    const std::string_view subject = journal.is_open_undo() ? "undo" : "commit";
    std::unique_ptr<LiveTrees> trees;
    try {
        trees = std::make_unique<LiveTrees>(machine, journal.plan.trees);
    } catch (const base::Error& error) {
        // A file system that is not mounted yet must not look like an empty tree.
        throw base::Error{
            base::ErrorKind::recovery,
            fmt::format("the unfinished {} of run {} cannot go on: {}", subject, run, error.what()),
            "Mount the file system of this tree, then run the same command again."};
    }
    const Committed result = settle(machine, state, journal, *trees, swapper);
    if (!result.reason.empty())
        base::log_warning("the {} of run {} was taken back: {}", subject, run, result.reason);
    return result.outcome;
}

/// An open undo, or one that has ended and whose journal waits for its place.
std::optional<Recovered> recover_undo(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper) {
    const auto outline = read_journal(state, kUndo, Extent::outline);
    if (!outline || outline->phase == Phase::done) return std::nullopt;
    Recovered result{.outcome = base::Outcome::undone, .run_id = outline->plan.run_id, .of_undo = true};
    if (outline->is_open()) {
        auto journal = read_journal(state, kUndo);
        result.outcome = finish(machine, state, journal.value(), swapper);
    }
    return result;
}

std::optional<Recovered> recover_commit(os::Machine& machine, os::Directory& state,
                                        DatabaseSwapper& swapper) {
    auto journal = read_journal(state);
    if (!journal || journal->phase == Phase::prepared) {
        remove_journal(state);
        return std::nullopt;
    }
    if (journal->is_open()) finish(machine, state, *journal, swapper);
    return Recovered{.outcome = outcome_of(*journal), .run_id = journal->plan.run_id};
}

}  // namespace

Recovered recover(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper,
                  const Decided& decided) {
    auto recovered = recover_commit(machine, state, swapper);
    if (!recovered) recovered = recover_undo(machine, state, swapper);
    if (recovered && decided) decided(recovered->outcome, recovered->run_id);
    Recovered result = recovered.value_or(Recovered{});
    result.left = tidy(machine, state, swapper).lines;
    return result;
}

bool is_mixture(const os::Directory& state) {
    return std::any_of(std::begin(kAll), std::end(kAll), [&](std::string_view name) {
        const auto journal = read_journal(state, name, Extent::outline);
        return journal && journal->is_open();
    });
}

std::vector<staging::Generation> kept_generations(const os::Directory& state, const os::Directory& root) {
    std::vector<staging::Generation> kept;
    const auto reserved = root.status(staging::kReservedDirectory);
    if (!reserved) return kept;
    for (const std::string_view name : kAll) {
        const auto journal = read_journal(state, name, Extent::outline);
        if (!journal || journal->phase == Phase::prepared || journal->phase == Phase::rolled_back) continue;
        for (const TreeRoot& tree : journal->plan.trees) {
            if (tree.reserved == reserved->inode) kept.push_back(tree.generation);
        }
    }
    return kept;
}

}  // namespace ft::commit
