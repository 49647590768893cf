#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/base/task_group.h"
#include "ft/checks/checks.h"
#include "ft/checks/guards.h"
#include "ft/checks/space.h"
#include "ft/commit/commit.h"
#include "ft/database/database.h"
#include "ft/migrate/migrate.h"
#include "ft/ui/format.h"
#include "migrate/changed_here.h"
#include "migrate/code.h"
#include "migrate/conversation.h"
#include "migrate/downtime.h"
#include "migrate/heal.h"
#include "migrate/hooks.h"
#include "migrate/host_files.h"
#include "migrate/last_run.h"
#include "migrate/public_name.h"
#include "migrate/pull.h"
#include "migrate/report.h"
#include "migrate/state_directory.h"
#include "migrate/stopped_services.h"

namespace ft::migrate {
namespace {

constexpr std::size_t kParallelTrees = 4;

/// One run, from the connection to the commit: what its steps share.
class Run {
public:
    Run(os::Machine& machine, const DestinationOptions& options, const system::Description& system,
        os::Directory& state, const Source& source, ui::Console& console, base::Cancellation& cancellation,
        Report& report)
        : machine_{machine},
          options_{options},
          system_{system},
          state_{state},
          source_{source},
          console_{console},
          outer_{cancellation},
          report_{report},
          services_{machine, state, console},
          tasks_{cancellation},
          conversation_{source, report.run_id, options.final_run, system.keep_rows, tasks_.cancellation()} {}

    void execute() {
        try {
            steps();
        } catch (const std::exception& error) {
            conversation_.finish(control::Failure{error.what(), outer_.requested()});
            // A source that does not answer the goodbye is not waited for.
            const Ticker impatient{std::chrono::seconds{1}, [this] { conversation_.shut_down(); }};
            tasks_.cancellation().request("the end of the run");
            tell_downtime();
            if (committing_) {
                join();
                throw;
            }
            services_.start_again();
            clean_up();
            tasks_.wait();   // when the source failed first, that is the reason
            outer_.check();  // what a closed stream made of an interruption is not
            throw;
        }
    }

    void tell_what_stays_off() {
        if (!stay_off_.empty()) console_.say(stay_off_);
    }

private:
    void steps() {
        time_phase("backup",
                   [&] { manifest_ = conversation_.wait_until_ready(console_, tasks_.cancellation()); });
        tasks_.start("the source", [&] { conversation_.listen(); });
        tell_phase();
        time_phase("check", [&] { check(); });
        confirm();
        stop_services();
        if (options_.final_run && manifest_.live) {
            // The downtime is what is left to do once most of it is here.
            time_phase("presync", [&] { presync(); });
            time_phase("stop", [&] { stop_traffic(); });
        }
        time_phase("pull", [&] { pull(); });
        time_phase("commit", [&] { commit(); });
        tell_downtime();
        conversation_.finish(
            control::Result{report_.run_id, report_.outcome, "committed: the destination is a replica"});
        const Ticker impatient{std::chrono::seconds{1}, [this] { conversation_.shut_down(); }};
        join();
    }

    /// Once the commit has begun, the source is not needed any more.
    void join() {
        try {
            tasks_.wait();
        } catch (const base::Error& error) {
            base::log_info("the source, after the commit: {}", error.what());
        }
    }

    template <typename Step>
    void time_phase(const std::string& name, const Step& step) {
        const auto begin = machine_.clock().now();
        step();
        report_.phases.push_back(
            {name, std::chrono::duration_cast<std::chrono::milliseconds>(machine_.clock().now() - begin)});
    }

    system::Phase phase() const {
        return manifest_.live && !options_.final_run ? system::Phase::rehearsal : system::Phase::final_run;
    }
    void tell_phase();
    void check();
    void require_fit();
    void confirm();
    void stop_services();
    void start_services();
    void prepare_trees();
    void presync();
    void stop_traffic();
    void pull();
    void pull_trees(base::TaskGroup& pulls);
    void commit();
    void after_commit();
    template <typename Step>
    void or_warn(const Step& step);
    void let_go() {
        for (const auto& tree : trees_) tree->let_go();
        host_files_->let_go();
    }
    void clean_up();
    void tell_downtime();
    void show_progress(const char* phase);
    void fill_report();
    std::string what_is_fetched() const;
    void book_after_stop();
    HookFacts hook_facts(Moment moment) const;
    database::Access access(const system::DatabaseFacts& facts) const;
    void book_database(const system::DatabaseFacts& facts);

    os::Machine& machine_;
    const DestinationOptions& options_;
    const system::Description& system_;
    os::Directory& state_;
    const Source& source_;
    ui::Console& console_;
    base::Cancellation& outer_;
    Report& report_;
    StoppedServices services_;
    base::TaskGroup tasks_;
    Conversation conversation_;
    system::Manifest manifest_;
    checks::Space space_;
    std::optional<HostFiles> host_files_;
    std::vector<std::unique_ptr<TreePull>> trees_;
    std::optional<BackupPull> backup_;
    std::vector<commit::DatabaseSwap> swaps_;
    std::vector<KeptReport> kept_rows_;
    std::atomic<std::size_t> next_tree_{0};
    std::string stay_off_;  // the last line for the admin, after a rehearsal
    bool downtime_told_ = false;
    bool committing_ = false;  // the journal decides now what this machine is
};

void Run::tell_phase() {
    report_.phase = system::name_of(phase());
    const std::string source = base::escape(manifest_.host_name);
    if (!manifest_.live) {
        console_.say(fmt::format("This is a final run: production is stopped at {}.", source));
    } else if (options_.final_run) {
        console_.say(
            fmt::format("This is a final run: production goes on at {} until most is here.", source));
    } else {
        console_.say(fmt::format("This is a rehearsal: production goes on at {}.", source));
    }
}

void Run::check() {
    console_.phase(
        "check", fmt::format("Checking that {} can be replaced here.", base::escape(manifest_.system_name)));
    checks::require_other_machine(machine_, system_, source_.host, conversation_.peer(),
                                  tasks_.cancellation());
    require_fit();
}

/// Finds out from the manifest what would fail, and what of this machine the run writes itself.
void Run::require_fit() {
    checks::Checked checked = checks::destination(machine_, system_, manifest_, tasks_.cancellation());
    host_files_.emplace(machine_, system_, manifest_);
    const auto& findings = host_files_->findings();
    checked.findings.insert(checked.findings.end(), findings.begin(), findings.end());
    for (const std::string& warning : checked.warnings) console_.warn(warning);
    for (const std::string& warning : host_files_->warnings()) console_.warn(warning);
    checks::require_none(checked);
}

void Run::confirm() {
    std::string summary =
        fmt::format("\nThis run makes this server ({}) a replica of {}. It replaces here:\n",
                    base::escape(machine_.host_name()), base::escape(manifest_.host_name));
    for (const auto& tree : system_.trees) {
        summary += fmt::format("    tree {}: {}\n", tree.name, base::escape(system_.below_root(tree.path)));
    }
    for (const auto& facts : manifest_.databases) {
        const auto size = database::current_size(access(facts), tasks_.cancellation());
        summary += fmt::format("    database {}: {}\n", base::escape(facts.name),
                               size ? ui::bytes(*size) + " now" : "not here yet");
    }
    summary += host_files_->summary();
    summary += tell_changes_here(machine_, system_, manifest_, state_, console_, tasks_.cancellation());
    summary += "What was changed in them on this server is lost.\n";
    console_.say(summary);
    confirm_public_name(machine_, manifest_, options_.yes, console_, tasks_.cancellation());
    if (options_.yes) return;
    const auto answer = console_.ask(
        fmt::format("To go on, type this machine's name ({}): ", base::escape(machine_.host_name())), false,
        tasks_.cancellation());
    if (answer != machine_.host_name()) throw base::Error{base::ErrorKind::cancelled, "not confirmed"};
}

/// From here on nothing uses what is compared and replaced.
void Run::stop_services() {
    const auto last = read_last_run(state_);
    services_.stop(Side::destination, report_.run_id, phase(), system_.services, tasks_.cancellation(),
                   last ? std::optional{last->phase} : std::nullopt);
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
    if (off.empty()) return;
    stay_off_ = fmt::format(
        "These services stay off, because this was a rehearsal: {}. To start them: ft start-services",
        joined(off));
}

database::Access Run::access(const system::DatabaseFacts& facts) const {
    const auto found = std::find_if(system_.databases.begin(), system_.databases.end(),
                                    [&](const auto& database) { return database.name == facts.name; });
    return {&machine_, &system_, &*found};  // the checks saw that both sides have it
}

void Run::book_database(const system::DatabaseFacts& facts) {
    const auto path = database::data_directory(access(facts), tasks_.cancellation());
    std::unique_ptr<const os::Directory> directory;
    try {
        if (path) directory = machine_.open_root_to_read(*path);
    } catch (const base::Error& error) {  // the server sees another file system than we do
        base::log_info("no space check for the database: {}", error.what());
    }
    if (directory) space_.book(*directory, "database " + base::escape(facts.name), facts.size, 0);
}

void Run::prepare_trees() {
    if (!trees_.empty()) return;
    for (const auto& tree : system_.trees) {
        const auto facts = std::find_if(manifest_.trees.begin(), manifest_.trees.end(),
                                        [&](const auto& candidate) { return candidate.name == tree.name; });
        trees_.push_back(std::make_unique<TreePull>(machine_, system_, tree, *facts, *host_files_));
    }
}

std::string Run::what_is_fetched() const {
    return ui::count(system_.trees.size(), "tree", "trees") +
           (manifest_.databases.empty() ? "" : " and the database backup");
}

/// Production goes on: all that is fetched now need not be fetched when it is stopped.
void Run::presync() {
    console_.phase("presync", fmt::format("Fetching {} while production goes on.", what_is_fetched()));
    prepare_trees();
    base::TaskGroup pulls{tasks_.cancellation()};
    if (!manifest_.databases.empty()) {
        if (!backup_) backup_.emplace(machine_, system_, state_);
        pulls.start("the backup", [&] {
            book_after_stop();
            backup_->run(source_, space_, pulls.cancellation());
            backup_->keep();  // the basis of the one that is made when production is stopped
        });
    }
    pull_trees(pulls);
    const Ticker ticker{std::chrono::seconds{1}, [this] { show_progress("presync"); }};
    pulls.wait();
}

/// What does not fit must be known before production stops, not after.
void Run::book_after_stop() {
    std::uint64_t second_backup = 0;
    for (const auto& facts : manifest_.databases) {
        book_database(facts);
        second_backup += facts.dump_bytes;
    }
    // Otherwise the first backup takes the place of the last run's.
    if (!state_.status(kLastBackup)) space_.book(state_, "the second backup", second_backup, 0);
}

void Run::stop_traffic() {
    console_.phase("stop", "Asking the source to stop production; it makes a fresh backup then.");
    manifest_ = conversation_.stop_traffic(console_, tasks_.cancellation());
    require_fit();  // tables, roles, extensions and accounts may be others than before
    space_.begin_again();
    next_tree_ = 0;
}

void Run::tell_downtime() {
    const StoppedSince since = conversation_.stopped_since();
    if (!since || std::exchange(downtime_told_, true)) return;
    const auto lasted = downtime(machine_.clock(), since);
    if (manifest_.live) {  // it has not said that it did
        console_.say(
            fmt::format("The source was asked to stop production {} ago: its console says what it did.",
                        ui::duration(lasted)));
        return;
    }
    report_.phases.push_back({"downtime", lasted});
    console_.say(fmt::format(
        "Production at the source is stopped (downtime so far {}), and stays so until ft ends there.",
        ui::duration(lasted)));
}

void Run::pull() {
    console_.phase("pull", fmt::format("Fetching {}.", what_is_fetched()));
    prepare_trees();
    base::TaskGroup pulls{tasks_.cancellation()};
    if (!manifest_.databases.empty()) {
        if (!backup_) backup_.emplace(machine_, system_, state_);
        pulls.start("the backup", [&] {
            for (const auto& facts : manifest_.databases) book_database(facts);
            backup_->run(source_, space_, pulls.cancellation());
            for (const auto& facts : manifest_.databases) {
                console_.say(fmt::format("Restoring database {}.", base::escape(facts.name)));
                const int jobs = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 8u));
                swaps_.push_back(database::restore(access(facts), facts, *backup_->directory(facts), state_,
                                                   jobs, pulls.cancellation()));
                for (const auto& kept : database::keep_rows(access(facts), pulls.cancellation())) {
                    kept_rows_.push_back(
                        {"rows", fmt::format("{}: {}", kept.rule, ui::count(kept.rows, "row", "rows"))});
                }
            }
        });
    }
    pull_trees(pulls);
    const Ticker ticker{std::chrono::seconds{1}, [this] { show_progress("pull"); }};
    pulls.wait();
}

/// A few at a time: more would not be faster, and the source keeps few unproved connections.
void Run::pull_trees(base::TaskGroup& pulls) {
    for (std::size_t worker = 0; worker < std::min(kParallelTrees, trees_.size()); ++worker) {
        pulls.start(fmt::format("tree worker {}", worker), [&] {
            for (std::size_t tree = next_tree_++; tree < trees_.size(); tree = next_tree_++) {
                trees_[tree]->run(source_, manifest_.live, options_.max_delete, space_, pulls.cancellation());
            }
        });
    }
}

void Run::show_progress(const char* phase) {
    std::uint64_t done = 0;
    std::uint64_t wanted = 0;
    std::uint64_t files = 0;
    const auto add = [&](const base::Progress& progress) {
        done += progress.bytes_done;
        wanted += progress.bytes_wanted;
        files += progress.files_done;
    };
    for (const auto& tree : trees_) add(tree->progress());
    if (backup_) add(backup_->progress());
    console_.progress(
        fmt::format("Fetched {} of {}, {}{}", ui::bytes(done), ui::bytes(wanted),
                    ui::count(files, "file", "files"),
                    downtime_suffix(machine_.clock(), conversation_.stopped_since())),
        {{"phase", phase}, {"bytes_done", done}, {"bytes_wanted", wanted}, {"files_done", files}});
    conversation_.set_progress({phase, done, wanted});
}

void Run::commit() {
    for (const Moment moment : {Moment::after_restore, Moment::before_commit})
        run_hooks(machine_, system_, moment, hook_facts(moment), tasks_.cancellation(),
                  [this](const std::string& line) { console_.say(line); });
    commit::Plan plan;
    plan.run_id = report_.run_id;
    plan.swaps = swaps_;
    plan.host_name = host_files_->host_name();
    const auto host_changes = host_files_->stage(trees_);
    for (const auto& tree : trees_) plan.trees.push_back(tree->finish());
    fill_report();
    for (std::size_t i = 0; i < trees_.size(); ++i) report_.trees[i].counts = plan.trees[i].list.counts;
    if (host_changes) plan.trees.push_back(*host_changes);
    // As late as can be: what kept rows and programs wrote into the restored databases is part of this run.
    prepare_last_run(state_, describe_run(machine_, system_, report_.run_id, phase(), tasks_.cancellation()));

    tasks_.cancellation().check();
    // From here on the run is short and must end by itself: a signal, or the loss of the source, changes
    // nothing.
    outer_.close();
    tasks_.cancellation().close();
    console_.phase("commit", "Making it live.");
    database::PostgresSwapper swapper{machine_};
    commit::Committed committed;
    // Before what was replaced is removed: users wait for the services. What they change is changed since.
    const auto decided = [&](base::Outcome outcome, const std::string&) {
        if (outcome != base::Outcome::committed) return;
        or_warn([&] { keep_last_run(state_, report_.run_id); });
        start_services();
    };
    try {
        services_.set_phase(phase());
        committed = commit::commit(machine_, state_, plan, swapper, decided);
    } catch (const base::Error& error) {
        // The journal may still need everything that was staged and restored.
        committing_ = error.kind() == base::ErrorKind::recovery;
        if (committing_) let_go();
        throw;
    } catch (const std::exception& error) {  // memory that ends in the middle of it
        committing_ = true;
        let_go();
        throw base::Error{base::ErrorKind::recovery,
                          fmt::format("the commit of run {} came to no end: {}", report_.run_id,
                                      base::escape(error.what())),
                          "Run the same command again: it finishes the commit or takes it back first."};
    }
    let_go();
    report_.outcome = committed.outcome;
    if (committed.outcome != base::Outcome::committed) {
        throw base::Error{committed.kind,
                          "the changes could not be made and were taken back: " + committed.reason};
    }
    committing_ = true;
    after_commit();
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
        if (backup_) backup_->keep();
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
    for (const auto& swap : swaps_) facts.incoming[swap.name] = swap.incoming;
    return facts;
}

void Run::clean_up() {
    trees_.clear();
    host_files_.reset();
    try {
        database::abandon_all(machine_, state_);
        os::remove_all(state_, kIncomingBackup);
        os::remove_all(state_, kIncomingRun);
    } catch (const base::Error& error) {
        base::log_warning("left for the next start: {}", error.what());
    }
}

void Run::fill_report() {
    host_files_->tell_kept(report_);
    const auto& of_host = host_files_->warnings();
    report_.warnings.insert(report_.warnings.end(), of_host.begin(), of_host.end());
    report_.bytes_received += conversation_.bytes_received();
    report_.bytes_sent += conversation_.bytes_sent();
    for (const auto& tree : trees_) {
        const rsync::Pulled& pulled = tree->pulled();
        report_.trees.push_back({tree->name(),
                                 pulled.listed.entries,
                                 pulled.listed.bytes,
                                 pulled.bytes_literal,
                                 pulled.vanished,
                                 {}});
        report_.bytes_received += tree->bytes_received();
        report_.bytes_sent += tree->bytes_sent();
        const auto warn = [&](const std::string& text) {
            report_.warnings.push_back(fmt::format("tree {}: {}", tree->name(), text));
            console_.warn(report_.warnings.back());
        };
        for (const std::string& owner : pulled.unknown_owners)
            warn(owner + " is not known here: its number is kept");
        for (const std::string& warning : pulled.warnings) warn(warning);
    }
    for (const auto& facts : manifest_.databases) {
        DatabaseReport database{facts.name, facts.row_counts.size(), 0, facts.dump_bytes};
        for (const auto& [table, rows] : facts.row_counts) database.rows += rows;
        report_.databases.push_back(database);
    }
    report_.kept.insert(report_.kept.end(), kept_rows_.begin(), kept_rows_.end());
    if (backup_) {
        report_.backup_bytes_literal = backup_->pulled().bytes_literal;
        report_.bytes_received += backup_->bytes_received();
        report_.bytes_sent += backup_->bytes_sent();
    }
}

std::string new_run_id(os::Machine& machine) {
    std::byte random[2];
    machine.fill_random(random);
    std::string id = ui::time(machine.clock().wall_seconds());
    std::replace(id.begin(), id.end(), ':', '-');
    return fmt::format("{}-{:02x}{:02x}", id, static_cast<unsigned>(random[0]),
                       static_cast<unsigned>(random[1]));
}

}  // namespace

void destination(os::Machine& machine, const DestinationOptions& options, ui::Console& console,
                 base::Cancellation& cancellation, Report& report) {
    const transport::Address address = transport::parse_address(options.address);
    const system::Description system = system::load(machine, options.system_file, options.root);
    if (!options.yes && !console.can_ask()) {
        throw base::Error{base::ErrorKind::usage,
                          "what is on this server will be replaced, and there is no terminal to ask",
                          "Add --yes when this shall be done without a question."};
    }
    StateDirectory state{machine, system, "ft migrate --destination"};
    report.run_id = new_run_id(machine);
    report.source = options.address;
    open_run_log(state, report.run_id, console);
    // An interrupted commit decides what this server is: nothing else may look at the trees before.
    heal(machine, system, state.directory(), console);

    const Source source{machine,
                        address.host,
                        address.port,
                        destination_code(machine, options.code_file, console, cancellation),
                        {}};
    console.phase("connect",
                  fmt::format("Connecting to {}, port {}.", base::escape(address.host), address.port));
    Run run{machine, options, system, state.directory(), source, console, cancellation, report};
    console.event("run_started", {{"run_id", report.run_id}});
    run.execute();
    write_report(state, report, console);
    run.tell_what_stays_off();
}

}  // namespace ft::migrate
