#include "migrate/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/ui/format.h"

namespace ft::migrate {
namespace {

constexpr std::size_t kKept = 20;  // reports and logs of past runs

/// All but the last `kept`. Run ids begin with the time, so their order is that of the runs.
void remove_old(os::Directory& directory, std::size_t kept) {
    std::vector<std::string> names;
    for (const os::Name& name : directory.list()) names.push_back(name.name);
    std::sort(names.begin(), names.end());
    for (std::size_t i = 0; i + kept < names.size(); ++i) directory.remove(names[i]);
}

nlohmann::json to_json(const Report& report) {
    nlohmann::json trees = nlohmann::json::array();
    for (const fetch::TreeReport& tree : report.trees) {
        trees.push_back({{"name", tree.name},
                         {"entries", tree.entries},
                         {"bytes", tree.bytes},
                         {"bytes_literal", tree.bytes_literal},
                         {"files_adopted", tree.adopted_files},
                         {"bytes_adopted", tree.adopted_bytes},
                         {"files_verified", tree.verified_files},
                         {"files_differing", tree.differing_files},
                         {"files_changed", tree.counts.files},
                         {"others_changed", tree.counts.others},
                         {"attributes_changed", tree.counts.attributes},
                         {"removed", tree.counts.removed},
                         {"vanished", tree.vanished}});
    }
    nlohmann::json databases = nlohmann::json::array();
    for (const fetch::DatabaseReport& database : report.databases) {
        databases.push_back({{"name", base::escape(database.name)},
                             {"tables", database.tables},
                             {"rows", database.rows},
                             {"dump_bytes", database.dump_bytes}});
    }
    nlohmann::json kept = nlohmann::json::array();
    for (const fetch::KeptReport& each : report.kept)
        kept.push_back({{"kind", each.kind}, {"name", base::escape(each.name)}, {"group", each.group}});
    nlohmann::json durations = nlohmann::json::object();
    for (const PhaseReport& phase : report.phases) durations[phase.name + "_ms"] = phase.duration.count();
    return {{"run_id", report.run_id},
            {"source", base::escape(report.source)},
            {"outcome", base::name_of(report.outcome)},
            {"changed", report.changed},
            {"phase", report.phase},
            {"trees", trees},
            {"databases", databases},
            {"backup_bytes_literal", report.backup_bytes_literal},
            {"compression", report.compression},
            {"bytes_received", report.bytes_received},
            {"bytes_sent", report.bytes_sent},
            {"durations", durations},
            {"kept", kept},
            {"warnings", report.warnings},
            {"problems", report.problems}};
}

void say_kept(const Report& report, ui::Console& console) {
    struct Kind {
        const char* one;
        const char* many;
    };
    constexpr Kind kKinds[] = {{"host setting", "host settings"},
                               {"file", "files"},
                               {"rows", "sets of rows"},
                               {"account", "accounts"}};
    std::string line;
    for (const Kind& kind : kKinds) {
        const auto count =
            std::count_if(report.kept.begin(), report.kept.end(),
                          [&](const fetch::KeptReport& each) { return each.kind == kind.one; });
        if (count > 0)
            line += (line.empty() ? "" : ", ") +
                    ui::count(static_cast<std::uint64_t>(count), kind.one, kind.many);
    }
    if (!line.empty()) console.say(fmt::format("Kept here: {}; the report lists them.", line));
}

}  // namespace

std::string new_run_id(os::Machine& machine) {
    std::byte random[2];
    machine.fill_random(random);
    std::string id = ui::time(machine.clock().wall_seconds());
    std::replace(id.begin(), id.end(), ':', '-');
    return fmt::format("{}-{:02x}{:02x}", id, static_cast<unsigned>(random[0]),
                       static_cast<unsigned>(random[1]));
}

void open_run_log(records::StateDirectory& state, const std::string& run_id, ui::Console& console) {
    try {
        remove_old(*os::make_directories(state.directory(), records::kLogs), kKept - 1);
        const std::string path = fmt::format("{}/{}/{}.log", state.path(), records::kLogs, run_id);
        base::open_log(path);
        console.set_log_path(base::escape(path));
    } catch (const base::Error& error) {  // a run's result does not depend on its log
        console.warn(fmt::format("no log of this run: {}", error.what()));
    }
}

void write_report(records::StateDirectory& state, const Report& report, ui::Console& console) {
    for (const fetch::TreeReport& tree : report.trees) {
        console.say(fmt::format("Tree {}: {} ({}); {} new or changed, {} removed; {} of content fetched.",
                                tree.name, ui::count(tree.entries, "object", "objects"),
                                ui::bytes(tree.bytes), tree.counts.files + tree.counts.others,
                                tree.counts.removed, ui::bytes(tree.bytes_literal)));
        if (tree.verified_files > 0) {
            console.say(fmt::format(
                "Tree {}: {} compared by checksum; {} had another content under the same size and time.",
                tree.name, ui::count(tree.verified_files, "file", "files"), tree.differing_files));
        }
    }
    for (const fetch::DatabaseReport& database : report.databases) {
        console.say(fmt::format("Database {}: {}, {}, all counted equal.", base::escape(database.name),
                                ui::count(database.tables, "table", "tables"),
                                ui::count(database.rows, "row", "rows")));
    }
    say_kept(report, console);
    console.say(fmt::format("This server is a replica now. {} received, {} sent.",
                            ui::bytes(report.bytes_received), ui::bytes(report.bytes_sent)));
    try {
        const auto reports = os::make_directories(state.directory(), records::kReports);
        os::write_whole(*reports, report.run_id + ".json", to_json(report).dump(2) + "\n");
        remove_old(*reports, kKept);
        console.say(fmt::format("Report: {}/{}/{}.json", base::escape(state.path()), records::kReports,
                                report.run_id));
    } catch (const base::Error& error) {
        console.warn(
            fmt::format("the run is committed, but its report could not be written: {}", error.what()));
    }
}

void tell_result(const Report& report, const base::Error* error, int exit_status, ui::Console& console) {
    nlohmann::json fields = to_json(report);
    fields["exit_status"] = exit_status;
    if (error != nullptr) fields["error"] = error->what();
    console.event("result", fields);
}

}  // namespace ft::migrate
