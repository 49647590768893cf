#include "ft/fetch/changed_here.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/records/state_directory.h"
#include "ft/staging/names.h"
#include "ft/system/host_settings.h"
#include "ft/tree/scan.h"
#include "ft/ui/format.h"

namespace ft::fetch {
namespace {

using nlohmann::json;

constexpr std::size_t kMostLines = 10;  // tables of one database
const std::string kNotPart = "it was not part of that run";

void say(std::string& lines, const std::string& object, const std::string& what) {
    lines += fmt::format("    {}: {}\n", object, what);
}

/// What was found out of one tree or database.
struct Finding {
    json fields;
    std::string lines;  // for people
};

/// Calls `look`; what it cannot look at is found to be unknown.
template <typename Look>
void guarded(const std::string& object, Finding& found, const Look& look) {
    std::string unknown;
    try {
        unknown = look();
    } catch (const base::Error& error) {
        if (error.kind() == base::ErrorKind::cancelled) throw;
        unknown = error.what();
    }
    if (unknown.empty()) return;
    found.fields["unknown"] = unknown;
    say(found.lines, object, "what happened is not known: " + unknown);
}

/// Adds what is to be said of it to both.
void tell_changes(const std::string& object, const tree::ChangedSince& changed, json& fields,
                  std::string& lines) {
    fields["changed"] = changed.objects;
    fields["examples"] = changed.examples;
    if (changed.objects == 0) return;
    say(lines, object,
        fmt::format("{} new or changed: {}{}", ui::count(changed.objects, "object", "objects"),
                    fmt::join(changed.examples, ", "),
                    changed.objects > changed.examples.size() ? ", ..." : ""));
}

void tell_changes(const std::string& object, const DatabaseChanges& changes, json& fields,
                  std::string& lines) {
    json tables = json::array();
    for (const auto& [name, rows] : changes.tables) {
        tables.push_back({{"name", base::escape(name)},
                          {"inserted", rows.inserted},
                          {"updated", rows.updated},
                          {"deleted", rows.deleted}});
        if (tables.size() <= kMostLines) {
            say(lines, object,
                fmt::format("{}: rows inserted {}, updated {}, deleted {}", base::escape(name), rows.inserted,
                            rows.updated, rows.deleted));
        }
    }
    if (tables.size() > kMostLines)
        say(lines, object, fmt::format("and rows of {} more tables", tables.size() - kMostLines));
    json gone = json::array();
    for (const std::string& name : changes.gone) {
        gone.push_back(base::escape(name));
        if (gone.size() <= kMostLines)
            say(lines, object, fmt::format("{}: dropped or renamed", base::escape(name)));
    }
    if (gone.size() > kMostLines)
        say(lines, object, fmt::format("and {} more tables dropped or renamed", gone.size() - kMostLines));
    fields["tables"] = std::move(tables);
    fields["tables_gone"] = std::move(gone);
}

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

struct ChangesHere::Found {
    std::map<std::string, Finding> trees;
    std::vector<Finding> databases;
};

ChangesHere::ChangesHere(os::Machine& machine, const system::Description& system, const os::Directory& state,
                         ui::Console& console)
    : machine_{machine},
      system_{system},
      console_{console},
      last_{records::read_last_run(state)},
      found_{std::make_unique<Found>()} {
    const auto status = state.status(records::kLastRun);
    if (last_ && (last_->run_id.empty() || !status)) last_.reset();
    if (last_) moment_ = status->ctime;
}

ChangesHere::~ChangesHere() = default;

std::string ChangesHere::look(const system::Manifest& manifest, const std::vector<system::KeptPath>& kept,
                              base::Cancellation& cancellation) {
    if (last_) {
        console_.say("Looking for what was changed here since the last run.");
        for (const auto& tree : system_.trees) look_at(tree, manifest, kept, cancellation);
        look_at_all_databases(cancellation);
    }
    return tell();
}

std::string ChangesHere::look_at_databases(base::Cancellation& cancellation) {
    if (last_) {
        for (const auto& tree : system_.trees) {
            guarded("tree " + tree.name, found_->trees[tree.name], [&] {
                if (!root_of(tree)) return kNotPart;
                awaited_.insert(tree.name);
                return std::string{};
            });
        }
        look_at_all_databases(cancellation);
    }
    return awaited_.empty() ? tell() : "";
}

std::optional<base::Timestamp> ChangesHere::awaits(const std::string& tree) const {
    const std::lock_guard lock{mutex_};
    return awaited_.contains(tree) ? std::optional{moment_} : std::nullopt;
}

void ChangesHere::note(const std::string& tree, const tree::ChangedSince& changed) {
    const std::lock_guard lock{mutex_};
    if (awaited_.erase(tree) == 0) return;
    Finding& found = found_->trees[tree];
    tell_changes("tree " + tree, changed, found.fields, found.lines);
    if (awaited_.empty()) console_.say(tell());
}

std::unique_ptr<const os::Directory> ChangesHere::root_of(const system::TreeDescription& tree) const {
    const std::string path = system_.below_root(tree.path);
    const auto then = last_->trees.find(tree.name);
    if (then == last_->trees.end() || then->second != path) return nullptr;
    return machine_.open_root_to_read(path);
}

void ChangesHere::look_at(const system::TreeDescription& tree, const system::Manifest& manifest,
                          const std::vector<system::KeptPath>& kept, base::Cancellation& cancellation) {
    const std::string object = "tree " + tree.name;
    Finding& found = found_->trees[tree.name];
    guarded(object, found, [&] {
        const auto root = root_of(tree);
        if (!root) return kNotPart;
        const auto facts = std::find_if(manifest.trees.begin(), manifest.trees.end(),
                                        [&](const auto& candidate) { return candidate.name == tree.name; });
        tree::Rules rules = system::rules_of(
            system_, tree, facts == manifest.trees.end() ? std::vector<std::string>{} : facts->exclude,
            {std::string{staging::kReservedDirectory}});
        system::keep(rules, tree, kept);
        const tree::Scanned scanned = tree::scan(
            *root, rules, cancellation, {.changed_since = moment_, .mounts = tree.mounts, .extended = false});
        tell_changes(object, scanned.changed, found.fields, found.lines);
        return std::string{};
    });
}

void ChangesHere::look_at_all_databases(base::Cancellation& cancellation) {
    for (const auto& database : system_.databases) {
        const std::string object = "database " + base::escape(database.name);
        Finding& found = found_->databases.emplace_back(Finding{{{"name", base::escape(database.name)}}, {}});
        guarded(object, found, [&]() -> std::string {
            const auto then = last_->databases.find(database.name);
            if (then == last_->databases.end()) return "it was not counted in that run";
            const DatabaseChanges changes = changes_between(
                then->second, database::current_activity({&machine_, &system_, &database}, cancellation));
            if (changes.unknown.empty()) tell_changes(object, changes, found.fields, found.lines);
            return changes.unknown;
        });
    }
}

/// The event, and what the lines say.
std::string ChangesHere::tell() {
    if (!last_) {
        console_.event("changed_here",
                       {{"since", nullptr}, {"trees", json::array()}, {"databases", json::array()}});
        return "ft knows of no earlier run here, so not of what was changed since.\n";
    }
    json trees = json::array();
    json databases = json::array();
    std::string lines;
    for (const auto& tree : system_.trees) {
        Finding& found = found_->trees[tree.name];
        found.fields["name"] = tree.name;
        trees.push_back(std::move(found.fields));
        lines += found.lines;
    }
    for (Finding& found : found_->databases) {
        databases.push_back(std::move(found.fields));
        lines += found.lines;
    }
    console_.event(
        "changed_here",
        {{"since", last_->run_id}, {"trees", std::move(trees)}, {"databases", std::move(databases)}});
    return fmt::format("Since the last run, {} ({}), {}", base::escape(last_->run_id), last_->ended,
                       lines.empty() ? "nothing was changed in the trees and databases here.\n"
                                     : "this happened in the trees and databases here:\n" + lines);
}

}  // namespace ft::fetch
