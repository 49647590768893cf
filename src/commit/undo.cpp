#include "ft/commit/undo.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "commit/apply.h"
#include "commit/journal.h"
#include "commit/preview.h"
#include "commit/settle.h"
#include "commit/store.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::commit {
namespace {

bool is_store(const std::optional<Journal>& journal) {
    return journal && journal->phase == Phase::done && journal->plan.keep_undo;
}

/// The journal of the run that can be taken back.
Journal require_store(const os::Directory& state) {
    auto journal = read_journal(state, kUndo);
    if (is_store(journal)) return std::move(*journal);
    throw base::Error{base::ErrorKind::unfit, "there is no run here that could be taken back",
                      "The last run kept no undo store, or it was taken back or discarded."};
}

base::Error not_fit(const Journal& journal, const base::Error& error) {
    return {base::ErrorKind::unfit,
            fmt::format("run {} cannot be taken back: {}", base::escape(journal.plan.run_id), error.what()),
            error.advice().empty() ? "Mount the file system of this tree, then run the same command again."
                                   : error.advice()};
}

/// `open` the trees; a tree that is not the run's is not fit.
template <typename Open>
auto trees_of(const Journal& journal, const Open& open) try {
    return open();
} catch (const base::Error& error) {
    throw not_fit(journal, error);
}

void require_reversible(const Journal& journal, DatabaseSwapper& swapper) {
    for (const DatabaseSwap& swap : journal.plan.swaps) {
        try {
            swapper.require_reversible(swap);
        } catch (const base::Error& error) {
            if (error.kind() == base::ErrorKind::unfit) throw not_fit(journal, error);
            throw;
        }
    }
}

/// UNDO. If it cannot be written it is taken back: one that may or may not be on the disk decides nothing.
void decide(os::Directory& state, Journal& journal) {
    try {
        append(state, journal, Phase::undoing);
    } catch (const base::Error& failed) {
        try {
            cut(state, journal);
        } catch (const base::Error& error) {
            throw base::Error{base::ErrorKind::recovery,
                              std::string{"whether the undo was recorded is unknown: "} + error.what(),
                              "Remove the cause, then run the same command again: it finds out."};
        }
        throw failed;
    }
}

}  // namespace

std::optional<UndoStore> undo_store(const os::Directory& state) {
    const auto later = read_journal(state, kJournal, Extent::outline);
    if (later && (later->is_open() || later->phase == Phase::done)) return std::nullopt;
    auto journal = read_journal(state, kUndo, Extent::outline);
    if (!is_store(journal)) return std::nullopt;
    const auto file = state.status(kUndo);
    UndoStore store{.run_id = std::move(journal->plan.run_id),
                    .swaps = std::move(journal->plan.swaps),
                    .host_name = journal->plan.host_name.has_value(),
                    .done = file ? file->attributes.mtime : base::Timestamp{}};
    for (TreeRoot& tree : journal->plan.trees) store.trees.push_back({std::move(tree.path), tree.generation});
    return store;
}

UndoPreview preview_undo(os::Machine& machine, const os::Directory& state, DatabaseSwapper& swapper) {
    const Journal journal = require_store(state);
    Preview preview = trees_of(journal, [&] { return Preview{machine, journal.plan.trees}; });
    require_reversible(journal, swapper);
    if (const auto& name = journal.plan.host_name; name && machine.host_name() != name->after)
        preview.note_host_name(machine.host_name());
    const auto file = state.status(kUndo);
    return std::move(preview).of(journal.plan, file ? file->attributes.mtime : base::Timestamp{});
}

Committed undo(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper, const Decided& decided) {
    put_away(machine, state, swapper);
    Journal journal = require_store(state);
    LiveTrees trees = trees_of(journal, [&] { return LiveTrees{machine, journal.plan.trees}; });
    require_reversible(journal, swapper);
    trees.note_times(journal.plan.settings);
    decide(state, journal);
    Committed result = settle(machine, state, journal, trees, swapper);
    if (decided) decided(result.outcome, journal.plan.run_id);
    result.left = tidy(machine, state, swapper).lines;
    return result;
}

std::vector<std::string> discard_undo(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper) {
    return tidy_with_undo(machine, state, swapper).lines;
}

}  // namespace ft::commit
