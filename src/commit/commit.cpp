#include "ft/commit/commit.h"

#include <optional>
#include <utility>

#include "commit/journal.h"
#include "commit/plan.h"
#include "commit/settle.h"
#include "commit/store.h"
#include "ft/base/error.h"

namespace ft::commit {
namespace {

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

Committed commit(os::Machine& machine, os::Directory& state, Plan plan, DatabaseSwapper& swapper,
                 const Decided& decided) {
    put_away(machine, state, swapper);
    OrderedPlan ordered = order(machine, std::move(plan));
    LiveTrees trees{machine, ordered.trees, true};
    Journal journal = write_journal(state, std::move(ordered));
    decide(state, journal);
    Committed result = settle(machine, state, journal, trees, swapper);
    if (decided) decided(result.outcome, journal.plan.run_id);
    result.left = tidy(machine, state, swapper).lines;
    return result;
}

}  // namespace ft::commit
