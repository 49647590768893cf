#include "ft/commit/commit.h"

#include <optional>
#include <utility>

#include "commit/journal.h"
#include "commit/plan.h"
#include "commit/settle.h"
#include "ft/base/error.h"

namespace ft::commit {
namespace {

/// An earlier journal gives way, but not before the names of databases that it holds are free. The slots that
/// it could not free are not touched: this run emptied them when it began to stage, and they hold its own
/// objects now.
void clear_earlier(os::Directory& state, DatabaseSwapper& swapper) {
    const std::optional<Journal> earlier = read_journal(state);
    if (!earlier) return;
    if (earlier->is_open())
        throw base::Error{base::ErrorKind::internal, "an unfinished commit waits for its recovery"};
    free_databases(*earlier, swapper);
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
    clear_earlier(state, swapper);
    OrderedPlan ordered = order(machine, plan);
    LiveTrees trees{machine, ordered.trees};
    Journal journal = write_journal(state, std::move(ordered));
    decide(state, journal);
    Committed result = settle(machine, state, journal, trees, swapper);
    free_all(machine, state, journal, swapper);
    return result;
}

}  // namespace ft::commit
