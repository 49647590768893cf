#include "commit/settle.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::commit {
namespace {

/// From an open phase to the next: `end`, or `refused` when an operation cannot be done.
struct Course {
    Phase open;
    Way way;
    Phase end;
    std::optional<Phase> refused;
    std::string_view subject;  // for messages: "the SUBJECT of run R cannot be STEP"
    std::string_view step;
};
constexpr Course kCourses[] = {
    {Phase::committed, Way::commit, Phase::done, Phase::rolling_back, "commit", "finished"},
    {Phase::rolling_back, Way::roll_back, Phase::rolled_back, std::nullopt, "commit", "taken back"},
    {Phase::undoing, Way::undo, Phase::undone, Phase::redoing, "undo", "finished"},
    {Phase::redoing, Way::redo, Phase::done, std::nullopt, "undo", "taken back"}};

class Settling {
public:
    Settling(os::Machine& machine, const OrderedPlan& plan, LiveTrees& trees, DatabaseSwapper& swapper)
        : machine_{machine}, plan_{plan}, trees_{trees}, swapper_{swapper} {}

    // Both ways begin with what may refuse before any tree is touched: a server, or the kernel of a
    // container.
    void go(Way way) {
        const bool forward = way == Way::commit || way == Way::redo;
        if (forward) {
            apply_all(way);
        } else {
            reverse_all(way);
        }
        trees_.sync();
    }

private:
    void apply_all(Way way) {
        for (const DatabaseSwap& swap : plan_.swaps)
            way == Way::commit ? swapper_.apply(swap) : swapper_.redo(swap);
        if (plan_.host_name) {
            // A commit sets it in any case: the machine may have started since, by its old files.
            rename_machine(way == Way::commit ? machine_.host_name() : plan_.host_name->before,
                           plan_.host_name->after);
        }
        for (const Move& move : plan_.moves) trees_.apply(move, way);
        if (way == Way::commit) trees_.require_replaced(plan_.moves);
        for (const Setting& setting : plan_.settings)
            trees_.apply(setting, plan_.extended.find(setting.extended), way);
    }
    void reverse_all(Way way) {
        for (auto swap = plan_.swaps.rbegin(); swap != plan_.swaps.rend(); ++swap) swapper_.reverse(*swap);
        if (plan_.host_name) rename_machine(plan_.host_name->after, plan_.host_name->before);
        for (auto move = plan_.moves.rbegin(); move != plan_.moves.rend(); ++move) trees_.reverse(*move, way);
        for (const Setting& setting : plan_.settings)
            trees_.reverse(setting, plan_.extended.find(setting.extended), way);
    }
    /// A name that is another by now stays.
    void rename_machine(const std::string& from, const std::string& to) {
        if (from != to && machine_.host_name() == from) machine_.set_host_name(to);
    }

    os::Machine& machine_;
    const OrderedPlan& plan_;
    LiveTrees& trees_;
    DatabaseSwapper& swapper_;
};

[[noreturn]] void give_up(const os::Directory& state, const Journal& journal, const Course& course,
                          std::string_view step, const base::Error& cause) {
    throw base::Error{
        base::ErrorKind::recovery,
        fmt::format("the {} of run {} cannot be {}: {}", course.subject, base::escape(journal.plan.run_id),
                    step, cause.what()),
        fmt::format("{}, then run the same command again: it goes on where it stopped. Until then leave "
                    "services stopped and keep {}/{} (docs/journal.md).",
                    cause.kind() == base::ErrorKind::no_space ? "Free space there" : "Remove the cause",
                    base::escape(state.path()), journal.name)};
}

}  // namespace

Committed settle(os::Machine& machine, os::Directory& state, Journal& journal, LiveTrees& trees,
                 DatabaseSwapper& swapper) {
    Committed result;
    Settling settling{machine, journal.plan, trees, swapper};
    const bool undo = journal.is_open_undo();
    while (journal.is_open()) {
        const Course& course =
            *std::find_if(std::begin(kCourses), std::end(kCourses),
                          [&](const Course& known) { return known.open == journal.phase; });
        std::optional<base::Error> refused;
        try {
            settling.go(course.way);
        } catch (const base::Error& error) {
            // A server that is not there refuses nothing.
            if (!course.refused || error.kind() == base::ErrorKind::recovery)
                give_up(state, journal, course, course.step, error);
            refused = error;
            result.reason = error.what();
            result.kind = error.kind();
            result.advice = error.advice();
        }
        try {
            append(state, journal, refused ? *course.refused : course.end, refused ? refused->what() : "");
        } catch (const base::Error& error) {
            give_up(state, journal, course, "recorded", error);
        }
    }
    result.outcome = outcome_of(journal);
    if (undo && result.outcome == base::Outcome::committed) result.outcome = base::Outcome::rolled_back;
    return result;
}

base::Outcome outcome_of(const Journal& journal) {
    switch (journal.phase) {
        case Phase::done:
            return base::Outcome::committed;
        case Phase::rolled_back:
            return base::Outcome::rolled_back;
        case Phase::undone:
            return base::Outcome::undone;
        default:
            return base::Outcome::unchanged;
    }
}

}  // namespace ft::commit
