#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/commit/undo.h"
#include "ft/database/database.h"
#include "ft/migrate/here.h"
#include "ft/records/held.h"
#include "ft/records/last_run.h"
#include "ft/records/state_directory.h"
#include "ft/records/stopped_record.h"
#include "ft/system/description.h"
#include "ft/ui/format.h"

namespace ft::migrate {
namespace {

using nlohmann::json;

constexpr const char* kWhatNext = "Start `ft recover`; docs/journal.md says more.";

/// What is found, for people and for scripts, subject by subject. A subject that cannot be read is a problem
/// of its own and hides no other.
class Status {
public:
    Status(os::Machine& machine, const system::Description& system, const os::Directory& state,
           ui::Console& console)
        : machine_{machine}, system_{system}, state_{state}, console_{console} {}

    void tell() {
        guarded([&] { running(); });
        guarded([&] { unfinished(); });
        guarded([&] { last_run(); });
        guarded([&] { undo(); });
        guarded([&] { held(); });
        guarded([&] { services(); });
        for (const json& problem : problems_) console_.warn(problem.get<std::string>());
        found_["problems"] = problems_;
        console_.event("status", found_);
    }

private:
    template <typename Subject>
    void guarded(const Subject& subject) {
        try {
            subject();
        } catch (const base::Error& error) {
            problems_.push_back(error.what());
        }
    }

    void running() {
        const bool locked = machine_.is_locked(state_.path());
        std::string who = locked ? "ft" : "";
        if (locked && state_.status(records::kRunningFile))
            who = base::escape(os::read_all(state_, records::kRunningFile, 4096));
        found_["running"] = locked ? json(who) : json(nullptr);
        console_.say(locked ? fmt::format("Working now: {}.", who) : "No command of ft is working here.");
        if (locked && state_.status(records::kLogs))
            console_.say(
                fmt::format("Its log: the last one in {}/{}.", base::escape(state_.path()), records::kLogs));
    }

    void unfinished() {
        found_["unfinished"] = nullptr;  // not known
        const bool mixture = commit::is_mixture(state_);
        found_["unfinished"] = mixture;
        if (mixture && found_["running"].is_null()) {
            console_.say(fmt::format(
                "A commit or an undo was interrupted: this system is neither old nor new. {}", kWhatNext));
        }
        const auto waits = commit::awaits_removal(state_);
        found_["to_be_freed"] = waits ? json(base::escape(*waits)) : json(nullptr);
        if (waits)
            console_.say(fmt::format("What run {} replaced is not all removed: the next command tries again.",
                                     base::escape(*waits)));
    }

    void last_run() {
        const auto last = records::read_last_run(state_);
        found_["last_run"] = nullptr;
        if (!last || last->run_id.empty())
            return console_.say("No run was committed here that ft remembers.");
        found_["last_run"] = {{"run_id", base::escape(last->run_id)},
                              {"ended", last->ended},
                              {"phase", system::name_of(last->phase)}};
        console_.say(fmt::format("Last run: {}, {}, committed {}.", base::escape(last->run_id),
                                 system::name_of(last->phase), last->ended));
    }

    void undo() {
        found_["undo"] = nullptr;
        const auto store = commit::undo_store(state_);
        if (!store) return console_.say("There is nothing that `ft undo` could take back.");
        std::uint64_t bytes = 0;
        json databases = json::array();
        for (const auto& swap : store->swaps) {
            if (swap.current_oid == 0) continue;
            json each{{"name", base::escape(swap.previous)}, {"bytes", nullptr}};
            guarded([&] {
                if (const auto size = database::previous_size(machine_, swap, never_)) {
                    each["bytes"] = *size;
                    bytes += *size;
                }
            });
            databases.push_back(std::move(each));
        }
        for (const records::Held& each : all_held()) bytes += each.kept;
        found_["undo"] = {
            {"run_id", base::escape(store->run_id)}, {"bytes", bytes}, {"databases", std::move(databases)}};
        console_.say(
            fmt::format("`ft undo` takes run {} back; what it needs for that holds {}, which `ft undo "
                        "--discard` frees.",
                        base::escape(store->run_id), ui::bytes(bytes)));
    }

    void held() {
        json staged = json::array();
        for (const records::Held& each : all_held()) {
            if (each.staged == 0) continue;
            staged.push_back({{"root", base::escape(each.root)}, {"bytes", each.staged}});
            console_.say(
                fmt::format("{}: {} are staged for the next run, which need not fetch them again; `ft "
                            "discard` frees them.",
                            base::escape(each.root), ui::bytes(each.staged)));
        }
        if (state_.status(records::kIncomingBackup)) {
            const std::uint64_t bytes = records::bytes_on_disk(state_, records::kIncomingBackup);
            const std::string root = base::escape(state_.path()) + '/' + records::kIncomingBackup;
            staged.push_back({{"root", root}, {"bytes", bytes}});
            console_.say(fmt::format("{}: {} of a backup that came in part; `ft discard` frees them.", root,
                                     ui::bytes(bytes)));
        }
        found_["staged"] = std::move(staged);
    }

    void services() {
        const auto record = records::read_stopped(state_);
        json off = json::array();
        std::string names;
        for (const records::StoppedService& each :
             record ? record->services : std::vector<records::StoppedService>{}) {
            if (!record->wanted(each)) continue;
            off.push_back(base::escape(each.service.name));
            names += (names.empty() ? "" : ", ") + base::escape(each.service.name);
        }
        found_["services_off"] = std::move(off);
        if (!names.empty()) console_.say(fmt::format("ft keeps these services off: {}.", names));
    }

    const std::vector<records::Held>& all_held() {
        if (!held_) held_ = records::look_at_held(machine_, system_, state_);
        return *held_;
    }

    os::Machine& machine_;
    const system::Description& system_;
    const os::Directory& state_;
    ui::Console& console_;
    json found_ = json::object();
    json problems_ = json::array();
    std::optional<std::vector<records::Held>> held_;
    base::Cancellation never_;
};

}  // namespace

void status(os::Machine& machine, const StatusOptions& options, ui::Console& console) {
    const system::Description system = system::load(machine, options.system_file, options.root);
    const std::string path = system.below_root(system.state_dir);
    const auto parent = machine.open_root_to_read(system.root);
    if (!parent->status(system.state_dir.substr(1))) {
        console.say("ft has not worked on this machine: there is no " + base::escape(path) + ".");
        console.event("status", {{"running", nullptr},
                                 {"unfinished", false},
                                 {"last_run", nullptr},
                                 {"undo", nullptr},
                                 {"staged", json::array()},
                                 {"services_off", json::array()},
                                 {"problems", json::array()}});
        return;
    }
    Status{machine, system, *machine.open_root_to_read(path), console}.tell();
}

}  // namespace ft::migrate
