#include "commit/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "commit/journal.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/staging/names.h"
#include "ft/staging/root_time.h"

namespace ft::commit {
namespace {

/// Without the record only a crash at the wrong moment costs the time: no reason to keep what fills a disk.
void try_to_append(os::Directory& state, Journal& journal, const Freeing& freeing) {
    try {
        append(state, journal, freeing);
    } catch (const base::Error& error) {
        base::log_info("not recorded in {}: {}", journal.name, error.what());
    }
}

/// Removes the run's generation, and the reserved directory with its last one; the root keeps its time.
void free_tree(os::Machine& machine, os::Directory& state, Journal& journal, std::size_t tree) {
    const auto begun = journal.freeing.find(tree);
    // Later the time is that of what others did in the root.
    if (begun != journal.freeing.end() && !begun->second.time) return;
    const TreeRoot& expected = journal.plan.trees[tree];
    const std::unique_ptr<os::Directory> root = machine.open_root(expected.path);
    const auto status = root->status(".");
    if (!status || status->inode != expected.inode) {
        throw base::Error{base::ErrorKind::unfit,
                          base::escape(expected.path) + ": is not the directory that the commit began with"};
    }
    base::Attributes kept = status->attributes;
    const auto reserved_is = root->status(staging::kReservedDirectory);
    if (reserved_is && reserved_is->inode != expected.reserved) return;  // freed, and staged anew
    if (reserved_is) {
        const std::unique_ptr<os::Directory> reserved = root->open_directory(staging::kReservedDirectory);
        os::remove_all(*reserved, staging::generation_name(expected.generation));
        reserved->sync();  // or what was removed comes back when nothing names it any more
        if (!reserved->list().empty()) return;
        // Removing took its time: services may be up, and use the root.
        kept = root->status(".").value_or(*status).attributes;
        try_to_append(state, journal, {tree, kept.mtime});
        root->remove(staging::kReservedDirectory);
    } else if (begun != journal.freeing.end()) {
        kept.mtime = *begun->second.time;  // a crash came before it was set
    }
    root->set_attributes(".", kept);
    root->sync();
    try_to_append(state, journal, {tree, std::nullopt});
}

/// Of a run that was undone: directories that it had made for a tree, where they are empty.
void remove_made(os::Machine& machine, os::Directory& state, const Journal& journal, std::size_t tree) {
    const auto& made = journal.plan.trees[tree].made;
    const auto freed = journal.freeing.find(tree);
    // Without the record a root that is gone could not be told from one that is not mounted.
    if (made.empty() || freed == journal.freeing.end() || freed->second.time || freed->second.unmade) return;
    for (auto path = made.rbegin(); path != made.rend(); ++path) staging::remove_root(machine, state, *path);
    // Any of them may be the last that could be removed.
    for (const std::string& path : made) {
        const std::size_t slash = path.rfind('/');
        try {
            machine.open_root(slash == 0 ? "/" : path.substr(0, slash))->sync();
        } catch (const base::Error& error) {  // gone too
            base::log_info("not synced: {}", error.what());
        }
    }
}

/// After a roll back: the next run finds staged files that it does not adopt.
void distrust(os::Machine& machine, const TreeRoot& tree) {
    const std::unique_ptr<os::Directory> root = machine.open_root(tree.path);
    const std::string path = staging::generation_path(tree.generation);
    if (!root->status(path)) return;
    const std::unique_ptr<os::Directory> generation = root->open_directory(path);
    if (generation->status(staging::kUnproved)) return;
    generation->create_file(staging::kUnproved);
    generation->sync();
}

class Tidying {
public:
    Tidying(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper)
        : machine_{machine}, state_{state}, swapper_{swapper} {}

    Left run(bool keep_undo) {
        try {
            if (file_journal()) {
                free_discarded();
                if (discard_undo(keep_undo)) free_discarded();
            }
        } catch (const base::Error& error) {
            if (error.kind() == base::ErrorKind::recovery || error.kind() == base::ErrorKind::internal) throw;
            note("", error);
        }
        for (const std::string& line : left_.lines) base::log_warning("left for later: {}", line);
        return std::move(left_);
    }

private:
    std::optional<Journal> read(std::string_view name) const {
        auto journal = read_journal(state_, name, Extent::outline);
        if (journal && journal->is_open())
            throw base::Error{base::ErrorKind::internal, "an unfinished commit waits for its recovery"};
        return journal;
    }

    /// The journal of a run that has ended gets its place; false when the place is not free yet.
    bool file_journal() {
        const auto journal = read(kJournal);
        if (!journal) return true;
        if (journal->phase == Phase::rolled_back) {
            const std::string run = fmt::format("run {}: ", base::escape(journal->plan.run_id));
            for (const TreeRoot& tree : journal->plan.trees) try_to(run, [&] { distrust(machine_, tree); });
            if (!left_.lines.empty()) return false;
        }
        if (journal->phase != Phase::done) {
            remove_journal(state_);
            return true;
        }
        if (state_.status(kUndo)) {
            if (!free_discarded()) return false;
            rename_journal(state_, kUndo, kDiscarded);
        }
        rename_journal(state_, kJournal, kUndo);
        return true;
    }

    /// The undo store is given up if its run is undone or keeps none, or for `keep` false.
    bool discard_undo(bool keep) {
        if (!left_.lines.empty()) return false;
        const auto undo = read(kUndo);
        if (!undo || (keep && undo->phase == Phase::done && undo->plan.keep_undo)) return false;
        rename_journal(state_, kUndo, kDiscarded);
        return true;
    }

    /// False when something of it is left.
    bool free_discarded() {
        auto journal = read(kDiscarded);
        if (!journal) return true;
        const bool undone = journal->phase == Phase::undone;
        const std::string run =
            fmt::format("{} run {}: ", undone ? "undone" : "replaced by", base::escape(journal->plan.run_id));
        for (const DatabaseSwap& swap : journal->plan.swaps) {
            try_to(run, [&] { undone ? swapper_.discard_incoming(swap) : swapper_.discard(swap); });
        }
        for (std::size_t tree = 0; tree < journal->plan.trees.size(); ++tree)
            try_to(run, [&] { free_tree(machine_, state_, *journal, tree); });
        // Backwards: what was made for one tree may hold what was made for a later one.
        for (std::size_t tree = journal->plan.trees.size(); undone && tree-- > 0;)
            try_to(run, [&] { remove_made(machine_, state_, *journal, tree); });
        if (!left_.lines.empty()) {
            if (undone) note_unmade(*journal);
            return false;
        }
        remove_journal(state_, kDiscarded);
        return true;
    }

    /// The journal stays for something else: what was made is not looked for again, once nothing can be in
    /// its way any more.
    void note_unmade(Journal& journal) {
        for (std::size_t tree = 0; tree < journal.plan.trees.size(); ++tree) {
            const auto freed = journal.freeing.find(tree);
            if (freed == journal.freeing.end() || freed->second.time) return;
        }
        for (std::size_t tree = 0; tree < journal.plan.trees.size(); ++tree) {
            if (!journal.plan.trees[tree].made.empty() && !journal.freeing.at(tree).unmade)
                try_to_append(state_, journal, {.tree = tree, .unmade = true});
        }
    }

    template <typename Step>
    void try_to(std::string_view run, const Step& step) {
        try {
            step();
        } catch (const base::Error& error) {
            note(run, error);
        }
    }
    void note(std::string_view run, const base::Error& error) {
        if (left_.lines.empty()) left_.kind = error.kind();
        left_.lines.push_back(fmt::format("{}{}", run, error.what()));
    }

    os::Machine& machine_;
    os::Directory& state_;
    DatabaseSwapper& swapper_;
    Left left_;
};

}  // namespace

Left tidy(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper) {
    return Tidying{machine, state, swapper}.run(true);
}

Left tidy_with_undo(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper) {
    return Tidying{machine, state, swapper}.run(false);
}

std::optional<std::string> awaits_removal(const os::Directory& state) {
    const auto journal = read_journal(state, kDiscarded, Extent::outline);
    return journal ? std::optional{journal->plan.run_id} : std::nullopt;
}

void put_away(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper) {
    const Left left = tidy(machine, state, swapper);
    if (left.lines.empty()) return;
    // Free of any run's objects, so the kind is never that of an unfinished commit.
    const auto kind = left.kind == base::ErrorKind::recovery ? base::ErrorKind::io : left.kind;
    throw base::Error{
        kind, "what an earlier run replaced could not be removed yet: " + left.lines.front(),
        fmt::format("Remove the cause, then run the same command again. If what it names is gone for "
                    "good, remove {}/{}.",
                    base::escape(state.path()), state.status(kDiscarded) ? kDiscarded : kJournal)}
        .with_details(left.lines);
}

}  // namespace ft::commit
