#include "migrate/changed_here.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/staging/names.h"
#include "ft/system/host_settings.h"
#include "ft/tree/scan.h"
#include "ft/ui/format.h"
#include "migrate/last_run.h"
#include "migrate/state_directory.h"

namespace ft::migrate {
namespace {

using nlohmann::json;

constexpr std::size_t kMostLines = 10;  // tables of one database

/// Looks at one tree or database after the other: lines for people, a list for scripts.
class Look {
public:
    Look(os::Machine& machine, const system::Description& system, const system::Manifest& manifest,
         const LastRun& last, base::Timestamp moment, base::Cancellation& cancellation)
        : machine_{machine},
          system_{system},
          manifest_{manifest},
          last_{last},
          moment_{moment},
          cancellation_{cancellation} {}

    void look() {
        for (const auto& tree : system_.trees) {
            guarded("tree " + tree.name, trees_.emplace_back(json{{"name", tree.name}}),
                    [&](json& found) { look_at(tree, found); });
        }
        for (const auto& database : system_.databases) {
            const std::string name = base::escape(database.name);
            guarded("database " + name, databases_.emplace_back(json{{"name", name}}),
                    [&](json& found) { look_at(database, found); });
        }
    }

    json event() const { return {{"since", last_.run_id}, {"trees", trees_}, {"databases", databases_}}; }
    std::string text() const {
        const std::string since =
            fmt::format("Since the last run, {} ({}), ", base::escape(last_.run_id), last_.ended);
        if (lines_.empty()) return since + "nothing was changed in them on this server.\n";
        return since + "this happened in them on this server:\n" + lines_;
    }

private:
    template <typename LookAt>
    void guarded(const std::string& object, json& found, const LookAt& look_at) {
        object_ = object;
        try {
            look_at(found);
        } catch (const base::Error& error) {
            if (error.kind() == base::ErrorKind::cancelled) throw;
            unknown(error.what(), found);
        }
    }

    void say(const std::string& line) { lines_ += fmt::format("    {}: {}\n", object_, line); }
    void unknown(const std::string& why, json& found) {
        found["unknown"] = why;
        say("what happened is not known: " + why);
    }

    void look_at(const system::TreeDescription& tree, json& found) {
        const std::string path = system_.below_root(tree.path);
        const auto then = last_.trees.find(tree.name);
        if (then == last_.trees.end() || then->second != path)
            return unknown("it was not part of that run", found);
        const auto facts = std::find_if(manifest_.trees.begin(), manifest_.trees.end(),
                                        [&](const auto& candidate) { return candidate.name == tree.name; });
        const tree::Rules rules = system::rules_of(
            system_, tree, facts == manifest_.trees.end() ? std::vector<std::string>{} : facts->exclude,
            {std::string{staging::kReservedDirectory}});
        const tree::Scanned scanned =
            tree::scan(*machine_.open_root_to_read(path), rules, cancellation_,
                       {.changed_since = moment_, .mounts = tree.mounts, .extended = false});
        found["changed"] = scanned.changed;
        found["examples"] = scanned.changed_examples;
        if (scanned.changed == 0) return;
        say(fmt::format("{} new or changed: {}{}", ui::count(scanned.changed, "object", "objects"),
                        fmt::join(scanned.changed_examples, ", "),
                        scanned.changed > scanned.changed_examples.size() ? ", ..." : ""));
    }

    void look_at(const system::DatabaseDescription& database, json& found) {
        const auto then = last_.databases.find(database.name);
        if (then == last_.databases.end()) return unknown("it was not counted in that run", found);
        const DatabaseChanges changes = changes_between(
            then->second, database::current_activity({&machine_, &system_, &database}, cancellation_));
        if (!changes.unknown.empty()) return unknown(changes.unknown, found);
        json tables = json::array();
        for (const auto& [name, rows] : changes.tables) {
            tables.push_back({{"name", base::escape(name)},
                              {"inserted", rows.inserted},
                              {"updated", rows.updated},
                              {"deleted", rows.deleted}});
            if (tables.size() <= kMostLines) {
                say(fmt::format("{}: rows inserted {}, updated {}, deleted {}", base::escape(name),
                                rows.inserted, rows.updated, rows.deleted));
            }
        }
        if (tables.size() > kMostLines)
            say(fmt::format("and rows of {} more tables", tables.size() - kMostLines));
        json gone = json::array();
        for (const std::string& name : changes.gone) {
            gone.push_back(base::escape(name));
            if (gone.size() <= kMostLines) say(fmt::format("{}: dropped or renamed", base::escape(name)));
        }
        if (gone.size() > kMostLines)
            say(fmt::format("and {} more tables dropped or renamed", gone.size() - kMostLines));
        found["tables"] = std::move(tables);
        found["tables_gone"] = std::move(gone);
    }

    os::Machine& machine_;
    const system::Description& system_;
    const system::Manifest& manifest_;
    const LastRun& last_;
    const base::Timestamp moment_;
    base::Cancellation& cancellation_;
    std::string object_;  // that is looked at
    std::string lines_;
    json trees_ = json::array();
    json databases_ = json::array();
};

}  // namespace

DatabaseChanges changes_between(const database::Activity& then,
                                const std::optional<database::Activity>& now) {
    if (!now) return {"the database is not there any more", {}, {}};
    if (now->oid != then.oid) return {"the database was replaced", {}, {}};
    if (!now->counts || !then.counts) return {"the server does not count (track_counts)", {}, {}};
    const std::string reset = "the server's counters were reset";
    if (now->reset != then.reset) return {reset, {}, {}};
    DatabaseChanges changes;
    for (const auto& [name, rows] : now->tables) {
        const auto found = then.tables.find(name);
        const database::RowCounters before =
            found == then.tables.end() ? database::RowCounters{} : found->second;
        if (rows.inserted < before.inserted || rows.updated < before.updated || rows.deleted < before.deleted)
            return {reset, {}, {}};
        if (rows == before) continue;
        changes.tables[name] = {rows.inserted - before.inserted, rows.updated - before.updated,
                                rows.deleted - before.deleted};
    }
    for (const auto& [name, rows] : then.tables) {
        if (!now->tables.contains(name)) changes.gone.push_back(name);
    }
    return changes;
}

std::string tell_changes_here(os::Machine& machine, const system::Description& system,
                              const system::Manifest& manifest, const os::Directory& state,
                              ui::Console& console, base::Cancellation& cancellation) {
    const auto last = read_last_run(state);
    const auto status = state.status(kLastRun);
    if (!last || last->run_id.empty() || !status) {
        console.event("changed_here",
                      {{"since", nullptr}, {"trees", json::array()}, {"databases", json::array()}});
        return "ft knows of no earlier run here, so not of what was changed in them since.\n";
    }
    console.say("Looking for what was changed here since the last run.");
    Look here{machine, system, manifest, *last, status->ctime, cancellation};
    here.look();
    console.event("changed_here", here.event());
    return here.text();
}

}  // namespace ft::migrate
