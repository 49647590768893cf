#include "ft/records/last_run.h"

#include <nlohmann/json.hpp>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/records/state_directory.h"
#include "ft/ui/format.h"

namespace ft::records {
namespace {

using nlohmann::json;

constexpr int kFormat = 3;
constexpr std::size_t kLargestFile = 256 << 20;  // a hundred thousand tables in each of some databases

json to_json(const database::Activity& activity) {
    json tables = json::object();
    for (const auto& [name, rows] : activity.tables)
        tables[base::escape(name)] = {rows.inserted, rows.updated, rows.deleted};
    return {{"oid", activity.oid},
            {"counts", activity.counts},
            {"reset", base::escape(activity.reset)},
            {"tables", std::move(tables)}};
}

database::Activity activity_of(const json& value) {
    database::Activity activity;
    activity.oid = value.at("oid").get<std::uint32_t>();
    activity.counts = value.at("counts").get<bool>();
    activity.reset = base::unescape(value.at("reset").get<std::string>());
    for (const auto& [name, rows] : value.at("tables").items()) {
        activity.tables[base::unescape(name)] = {rows.at(0).get<std::uint64_t>(),
                                                 rows.at(1).get<std::uint64_t>(),
                                                 rows.at(2).get<std::uint64_t>()};
    }
    return activity;
}

std::optional<LastRun> read(const os::Directory& state, const char* file) {
    if (!state.status(file)) return std::nullopt;
    try {
        return last_run_of(os::read_all(state, file, kLargestFile));
    } catch (const base::Error& error) {
        base::log_warning("{}: {}: what happened here since that run will not be known", file, error.what());
        return std::nullopt;
    }
}

}  // namespace

std::string text_of(const LastRun& run) {
    json trees = json::object();
    for (const auto& [name, path] : run.trees) trees[name] = base::escape(path);
    json databases = json::object();
    for (const auto& [name, activity] : run.databases) databases[base::escape(name)] = to_json(activity);
    return json{{"format", kFormat},
                {"run_id", base::escape(run.run_id)},
                {"undoes", base::escape(run.undoes)},
                {"ended", run.ended},
                {"phase", system::name_of(run.phase)},
                {"phase_before", system::name_of(run.phase_before)},
                {"trees", std::move(trees)},
                {"databases", std::move(databases)}}
               .dump(1) +
           '\n';
}

LastRun last_run_of(const std::string& text) try {
    const json value = json::parse(text);
    if (value.at("format") != kFormat) throw base::Error{base::ErrorKind::corrupt, "of another format"};
    LastRun run;
    run.run_id = base::unescape(value.at("run_id").get<std::string>());
    run.undoes = base::unescape(value.at("undoes").get<std::string>());
    run.ended = base::escape(value.at("ended").get<std::string>());
    const auto phase = [&](const char* key) {
        const bool rehearsal = value.at(key) == system::name_of(system::Phase::rehearsal);
        return rehearsal ? system::Phase::rehearsal : system::Phase::final_run;
    };
    run.phase = phase("phase");
    run.phase_before = phase("phase_before");
    for (const auto& [name, path] : value.at("trees").items())
        run.trees[name] = base::unescape(path.get<std::string>());
    for (const auto& [name, activity] : value.at("databases").items())
        run.databases[base::unescape(name)] = activity_of(activity);
    return run;
} catch (const json::exception&) {
    throw base::Error{base::ErrorKind::corrupt, "damaged"};
} catch (const base::Error& error) {
    throw base::Error{base::ErrorKind::corrupt, error.what()};
}

LastRun describe_run(os::Machine& machine, const system::Description& system, const std::string& run_id,
                     system::Phase phase, base::Cancellation& cancellation) {
    LastRun run;
    run.run_id = run.undoes = run_id;
    run.phase = phase;
    run.ended = ui::time(machine.clock().wall_seconds());
    for (const auto& tree : system.trees) run.trees[tree.name] = system.below_root(tree.path);
    for (const auto& database : system.databases) {
        try {
            const auto activity = database::restored_activity({&machine, &system, &database}, cancellation);
            if (activity) run.databases[database.name] = *activity;
        } catch (const base::Error& error) {
            if (error.kind() == base::ErrorKind::cancelled) throw;
            base::log_warning("what changes after this run will not be known: {}", error.what());
        }
    }
    return run;
}

void prepare_last_run(os::Directory& state, LastRun run) {
    if (const auto last = read_last_run(state)) {
        const bool leads_back_there = run.undoes != run.run_id && run.undoes == last->undoes;
        run.phase_before = leads_back_there ? last->phase_before : last->phase;
    }
    os::write_whole(state, kIncomingRun, text_of(run));
}

void keep_last_run(os::Directory& state, const std::string& run_id) {
    const auto prepared = read(state, kIncomingRun);
    if (prepared && prepared->run_id == run_id) {
        // Renamed now, so that its ctime is later than that of all that the commit touched.
        if (state.status(kLastRun)) {
            state.exchange(kIncomingRun, state, kLastRun);
        } else {
            state.rename(kIncomingRun, state, kLastRun);
        }
    } else if (const auto last = read(state, kLastRun); last && last->run_id != run_id) {
        state.remove(kLastRun);
    }
    os::remove_all(state, kIncomingRun);
    state.sync();
}

void forget_last_run(os::Directory& state, const std::string& run_id) {
    const auto last = read_last_run(state);
    if (!last || last->undoes != run_id) return;
    LastRun none;
    none.phase = last->phase_before;
    os::write_whole(state, kLastRun, text_of(none));
}

system::Phase phase_without(const os::Directory& state, const std::string& run_id) {
    const auto last = read_last_run(state);
    if (!last) return system::Phase::final_run;
    return last->undoes == run_id ? last->phase_before : last->phase;
}

std::optional<LastRun> read_last_run(const os::Directory& state) { return read(state, kLastRun); }

}  // namespace ft::records
