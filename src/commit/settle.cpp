#include "commit/settle.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/staging/names.h"
#include "ft/staging/staging.h"

namespace ft::commit {
namespace {

using staging::ChangeKind;

void set_host_name(os::Machine& machine, const OrderedPlan& plan) {
    if (plan.host_name && machine.host_name() != plan.host_name->after)
        machine.set_host_name(plan.host_name->after);
}
/// A name that is not the new one is left: the machine may have started since, by its old files.
void reset_host_name(os::Machine& machine, const OrderedPlan& plan) {
    if (plan.host_name && machine.host_name() == plan.host_name->after)
        machine.set_host_name(plan.host_name->before);
}

void apply_all(os::Machine& machine, const OrderedPlan& plan, LiveTrees& trees, DatabaseSwapper& swapper) {
    for (const DatabaseSwap& swap : plan.swaps) swapper.apply(swap);
    set_host_name(machine, plan);  // a container may refuse it: before any tree is touched
    for (const Operation& operation : plan.operations) trees.apply(operation);
    trees.sync();
}

void reverse_all(os::Machine& machine, const OrderedPlan& plan, LiveTrees& trees, DatabaseSwapper& swapper) {
    const auto is_attributes = [](const Operation& o) { return o.change.kind == ChangeKind::attributes; };
    const auto attributes = std::find_if(plan.operations.begin(), plan.operations.end(), is_attributes);
    for (auto operation = attributes; operation != plan.operations.begin();) trees.reverse(*--operation);
    // Attributes last here too: each name that came back changed the time of its directory.
    for (auto operation = attributes; operation != plan.operations.end(); ++operation)
        trees.reverse(*operation);
    reset_host_name(machine, plan);
    for (auto swap = plan.swaps.rbegin(); swap != plan.swaps.rend(); ++swap) swapper.reverse(*swap);
    trees.sync();
}

[[noreturn]] void give_up(const os::Directory& state, const Journal& journal, std::string_view step,
                          const base::Error& cause) {
    throw base::Error{
        base::ErrorKind::recovery,
        fmt::format("the commit of run {} cannot be {}: {}", base::escape(journal.plan.run_id), step,
                    cause.what()),
        fmt::format(
            "Remove the cause, then run the same command again: it goes on where it stopped. Until then "
            "leave services stopped and keep the journal in {} (docs/journal.md).",
            base::escape(state.path()))};
}

base::Timestamp settled_root_time(const Journal& journal, std::size_t tree) {
    const auto of_root = std::find_if(
        journal.plan.operations.begin(), journal.plan.operations.end(), [&](const Operation& operation) {
            return operation.tree == tree && operation.change.kind == ChangeKind::attributes &&
                   operation.change.path.is_root();
        });
    const staging::Change& change = of_root->change;
    return journal.phase == Phase::done ? change.after.mtime : change.before.mtime;
}

/// Removes the slots of a tree.
void free_tree(os::Machine& machine, const Journal& journal, std::size_t tree) {
    const TreeRoot& expected = journal.plan.trees[tree];
    const std::unique_ptr<os::Directory> root = machine.open_root(expected.path);
    const auto status = root->status(".");
    if (!status || status->inode != expected.inode) {
        throw base::Error{base::ErrorKind::unfit,
                          base::escape(expected.path) + ": is not the directory that the commit began with"};
    }
    base::Attributes kept = status->attributes;
    if (root->status(staging::kReservedDirectory)) {
        staging::free_staged(*root);
    } else {
        // A crash came between the removal and what follows.
        kept.mtime = settled_root_time(journal, tree);
    }
    root->set_attributes(".", kept);
    root->sync();
}

}  // namespace

Committed settle(os::Machine& machine, os::Directory& state, Journal& journal, LiveTrees& trees,
                 DatabaseSwapper& swapper) {
    std::optional<base::Error> refused;
    if (journal.phase == Phase::committed) {
        try {
            apply_all(machine, journal.plan, trees, swapper);
        } catch (const base::Error& error) {
            if (error.kind() == base::ErrorKind::recovery) give_up(state, journal, "finished", error);
            refused = error;
        }
    }
    try {
        if (journal.phase == Phase::committed && !refused) {
            append(state, journal, Phase::done);
            return {base::Outcome::committed, {}, {}};
        }
        if (refused) append(state, journal, Phase::rolling_back, refused->what());
        reverse_all(machine, journal.plan, trees, swapper);
        append(state, journal, Phase::rolled_back);
    } catch (const base::Error& error) {
        give_up(state, journal, journal.phase == Phase::committed ? "recorded" : "taken back", error);
    }
    if (!refused) return {base::Outcome::rolled_back, {}, {}};
    return {base::Outcome::rolled_back, refused->what(), refused->kind()};
}

void free_databases(const Journal& journal, DatabaseSwapper& swapper) {
    if (journal.phase != Phase::done) return;
    for (const DatabaseSwap& swap : journal.plan.swaps) swapper.discard(swap);
}

void free_all(os::Machine& machine, os::Directory& state, const Journal& journal, DatabaseSwapper& swapper) {
    try {
        for (std::size_t tree = 0; tree < journal.plan.trees.size(); ++tree)
            free_tree(machine, journal, tree);
        free_databases(journal, swapper);
        remove_journal(state);
    } catch (const base::Error& error) {
        base::log_warning("what run {} replaced is not all removed; the next start tries again: {}",
                          base::escape(journal.plan.run_id), error.what());
    }
}

}  // namespace ft::commit
