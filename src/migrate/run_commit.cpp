#include "migrate/run.h"

#include <fmt/format.h>

#include <utility>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/commit/undo.h"
#include "ft/database/database.h"
#include "ft/records/last_run.h"
#include "ft/records/tree_roots.h"
#include "ft/ui/format.h"

namespace ft::migrate {

void Run::commit() {
    for (const Moment moment : {Moment::after_restore, Moment::before_commit})
        run_hooks(machine_, system_, moment, hook_facts(moment), tasks_.cancellation(),
                  [this](const std::string& line) { console_.say(line); });
    commit::Plan plan;
    plan.run_id = report_.run_id;
    plan.keep_undo = options_.keep_undo;
    plan.swaps = fetch_.swaps();
    plan.host_name = host_files_->host_name();
    plan.trees = fetch_.finish(*host_files_);
    fill_report();
    unchanged_ = plan.is_empty();
    // Of all trees: the journal names the generation of each, and so must the disk.
    if (!unchanged_) fetch_.sync();
    // As late as can be: what kept rows and programs wrote into the restored databases is part of this run.
    records::LastRun described =
        records::describe_run(machine_, system_, report_.run_id, phase(), tasks_.cancellation());
    if (unchanged_) {
        const auto undo = commit::undo_store(state_);
        described.undoes = undo ? undo->run_id : "";
        undoes_ = options_.keep_undo ? described.undoes : "";
    }
    records::prepare_last_run(state_, std::move(described));

    tasks_.cancellation().check();
    // From here on the run is short and must end by itself: a signal, or the loss of the source, changes
    // nothing.
    outer_.close();
    tasks_.cancellation().close();
    services_.set_phase(phase());
    if (unchanged_) {
        leave_unchanged();
    } else {
        make_live(std::move(plan));
    }
    after_commit();
}

/// What an undo takes back stays the last run that changed something.
void Run::leave_unchanged() {
    console_.phase("commit", "All is here as at the source already.");
    // Before services use the tree.
    fetch_.end();
    host_files_.reset();
    report_.outcome = base::Outcome::committed;
    follow_commit();
    if (options_.keep_undo) return;
    or_warn([&] {
        database::PostgresSwapper swapper{machine_};
        tell_left(commit::discard_undo(machine_, state_, swapper));
    });
}

/// The replica is live, or was all the time.
void Run::follow_commit() {
    decided_ = true;
    or_warn([&] { records::keep_last_run(state_, report_.run_id); });
    or_warn([&] { records::forget_tree_roots(state_); });
    start_services();
    // Its answer comes while the rest is done here. One that is lost just now may be back by then.
    if (!conversation_.presence().is_there()) return;
    fetch_.wait_for_goodbyes();  // the end of the run is that of its transfers
    tell_committed();
}

/// The commit is decided: what fails now is told, and makes it a commit with trouble.
void Run::start_services() {
    try {
        services_.commit();
    } catch (const base::Error& error) {
        report_.problems.push_back(fmt::format("services: {}", error.what()));
        console_.warn(report_.problems.back());
    }
    const auto off = services_.off_in_rehearsal();
    const auto failures = services_.start_again();
    report_.problems.insert(report_.problems.end(), failures.begin(), failures.end());
    if (!off.empty()) stay_off_ = records::what_stays_off(off);
}

void Run::make_live(commit::Plan plan) {
    console_.phase("commit", "Making it live.");
    database::PostgresSwapper swapper{machine_};
    commit::Committed committed;
    // Before what was replaced is removed: users wait for the services. What they change is changed since.
    const auto decided = [&](base::Outcome outcome, const std::string&) {
        if (outcome == base::Outcome::committed) follow_commit();
    };
    try {
        committed = commit::commit(machine_, state_, std::move(plan), swapper, decided);
    } catch (const base::Error& error) {
        // The journal may still need everything that was staged and restored.
        decided_ = error.kind() == base::ErrorKind::recovery;
        if (decided_) let_go();
        throw;
    } catch (const std::exception& error) {  // memory that ends in the middle of it
        decided_ = true;
        let_go();
        throw base::Error{base::ErrorKind::recovery,
                          fmt::format("the commit of run {} came to no end: {}", report_.run_id,
                                      base::escape(error.what())),
                          "Run the same command again: it finishes the commit or takes it back first."};
    }
    let_go();
    report_.outcome = committed.outcome;
    tell_left(committed.left);
    if (committed.outcome != base::Outcome::committed) {
        throw base::Error{committed.kind,
                          "the changes could not be made and were taken back: " + committed.reason,
                          committed.advice};
    }
    decided_ = true;
    report_.changed = true;
}

void Run::tell_left(const std::vector<std::string>& left) {
    for (const std::string& each : left) {
        report_.warnings.push_back("not removed yet: " + each);
        console_.warn(report_.warnings.back());
    }
}

template <typename Step>
void Run::or_warn(const Step& step) {
    try {
        step();
    } catch (const base::Error& error) {
        report_.warnings.push_back(fmt::format("after the commit: {}", error.what()));
        console_.warn(report_.warnings.back());
    }
}

/// The replica is live: what fails now is told, and mended by the next start.
void Run::after_commit() {
    or_warn([&] {
        database::settle(state_);
        fetch_.keep_backup();
    });
    // Last: hooks may use everything that the run brings back.
    const auto failures = try_hooks(machine_, system_, Moment::after_commit, hook_facts(Moment::after_commit),
                                    outer_, [this](const std::string& line) { console_.say(line); });
    for (const std::string& failure : failures) {
        report_.problems.push_back(failure);
        console_.warn(failure);
    }
}

HookFacts Run::hook_facts(Moment moment) const {
    HookFacts facts{.run_id = report_.run_id, .phase = phase()};
    if (moment != Moment::after_restore) return facts;
    for (const auto& swap : fetch_.swaps()) facts.incoming[swap.name] = swap.incoming;
    return facts;
}

void Run::fill_report() {
    host_files_->tell_kept(report_);
    const auto& of_host = host_files_->warnings();
    report_.warnings.insert(report_.warnings.end(), of_host.begin(), of_host.end());
    if (attempts_.losses() > 0) {
        report_.warnings.push_back(fmt::format("connections to the source were lost {}, and made again",
                                               ui::count(attempts_.losses(), "time", "times")));
    }
    report_.bytes_received += conversation_.bytes_received();
    report_.bytes_sent += conversation_.bytes_sent();
    fetch_.tell(manifest_, report_);
}

void Run::let_go() {
    fetch_.let_go();
    host_files_->let_go();
}

void Run::tell_committed() {
    conversation_.finish(
        control::Result{report_.run_id, base::Outcome::committed, "committed: the destination is a replica"});
}

void Run::tell_what_follows() {
    if (unchanged_) {
        console_.say("All was here as at the source already: nothing was changed. " +
                     (undoes_.empty() ? std::string{"There is nothing that `ft undo` could take back."}
                                      : fmt::format("`ft undo` still takes run {} back.", undoes_)));
    } else if (options_.keep_undo) {
        console_.say("To take this run back, until another run changes something: ft undo");
    }
    if (!stay_off_.empty()) console_.say(stay_off_);
}

}  // namespace ft::migrate
