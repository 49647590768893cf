#include "ft/checks/checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/checks/ground.h"
#include "ft/checks/guards.h"
#include "ft/checks/space.h"
#include "ft/database/database.h"
#include "ft/system/accounts.h"
#include "ft/system/host_settings.h"
#include "ft/system/services.h"
#include "ft/tree/scan.h"

namespace ft::checks {
namespace {

constexpr std::size_t kShown = 10;  // objects named for one cause

void check_tree(os::Machine& machine, const system::Description& system, const system::TreeDescription& tree,
                const std::vector<std::string>& reserved, base::Cancellation& cancellation,
                Checked& checked) {
    const tree::Rules rules = system::rules_of(system, tree, {}, reserved);
    const tree::Scanned scanned = tree::scan(*machine.open_root_to_read(system.below_root(tree.path)), rules,
                                             cancellation, {.mounts = tree.mounts, .extended = false});
    const auto name_some = [&](const std::vector<std::string>& lines, std::uint64_t all) {
        for (std::size_t i = 0; i < std::min(kShown, lines.size()); ++i) {
            checked.findings.push_back(fmt::format("tree {}: {}", tree.name, lines[i]));
        }
        if (all > kShown)
            checked.findings.push_back(fmt::format("tree {}: and {} more", tree.name, all - kShown));
    };
    name_some(scanned.unreadable, scanned.unreadable_count);
    std::vector<std::string> mounted;
    for (const std::string& path : scanned.mount_points) {
        mounted.push_back(
            path + ": another file system is mounted here; add it to the tree's \"mounts\", or exclude it");
    }
    name_some(mounted, mounted.size());
    if (scanned.linked_outside > 0) {
        const bool all = scanned.outside_examples.size() == scanned.linked_outside;
        checked.warnings.push_back(fmt::format(
            "tree {}: {} names have hard links outside the tree, which do not come across: {}{}", tree.name,
            scanned.linked_outside, fmt::join(scanned.outside_examples, ", "), all ? "" : "..."));
    }
}

/// Compares the names that both sides have; what only one side has cannot become a replica.
void check_names(const std::string& kind, std::vector<std::string> here, std::vector<std::string> there,
                 Checked& checked) {
    std::sort(here.begin(), here.end());
    std::sort(there.begin(), there.end());
    std::vector<std::string> only;
    std::set_difference(there.begin(), there.end(), here.begin(), here.end(), std::back_inserter(only));
    for (const std::string& name : only) {
        checked.findings.push_back(fmt::format("{} {}: the source has it, system.json here does not name it",
                                               kind, base::escape(name)));
    }
    only.clear();
    std::set_difference(here.begin(), here.end(), there.begin(), there.end(), std::back_inserter(only));
    for (const std::string& name : only) {
        checked.findings.push_back(fmt::format(
            "{} {}: system.json here names it, the source does not have it", kind, base::escape(name)));
    }
}

template <typename Items>
std::vector<std::string> names_of(const Items& items) {
    std::vector<std::string> names;
    names.reserve(items.size());
    for (const auto& item : items) names.push_back(item.name);
    return names;
}

void add(Checked& checked, const std::string& object, const std::vector<std::string>& findings) {
    for (const std::string& finding : findings)
        checked.findings.push_back(fmt::format("{}: {}", object, finding));
}

void check_services(os::Machine& machine, const system::Description& system, system::Phase phase,
                    base::Cancellation& cancellation, Checked& checked) {
    for (std::string& finding : system::service_findings(machine, system.services, phase, cancellation))
        checked.findings.push_back(std::move(finding));
}

/// Runs a check whose own failure (a server that is down) is a finding like the others.
template <typename Check>
void guarded(Checked& checked, const Check& check) {
    try {
        check();
    } catch (const base::Error& error) {
        if (error.kind() == base::ErrorKind::cancelled) throw;
        checked.findings.emplace_back(error.what());
    }
}

}  // namespace

Checked source(os::Machine& machine, const system::Description& system,
               const std::vector<std::string>& reserved, base::Cancellation& cancellation) {
    Checked checked;
    for (const auto& tree : system.trees) {
        guarded(checked, [&] {
            const auto findings = ground_findings(machine, system, tree, Side::source);
            checked.findings.insert(checked.findings.end(), findings.begin(), findings.end());
            // What else such a tree holds, or lacks, says nothing.
            if (findings.empty()) check_tree(machine, system, tree, reserved, cancellation, checked);
        });
    }
    if (system.accounts) {
        guarded(checked, [&] {
            const auto faults =
                system::account_faults(system::read_accounts(*machine.open_root_to_read(system.root)));
            checked.findings.insert(checked.findings.end(), faults.begin(), faults.end());
        });
    }
    check_services(machine, system, system::Phase::rehearsal, cancellation, checked);
    Space space;
    for (const auto& database : system.databases) {
        const std::string object = "database " + base::escape(database.name);
        const database::Access access{&machine, &system, &database};
        guarded(checked, [&] {
            const auto findings = database::source_findings(access, cancellation);
            add(checked, object, findings);
            if (!findings.empty()) return;
            space.book(*machine.open_root_to_read(system.below_root(system.state_dir)),
                       "the backup of " + object, database::expected_backup_size(access, cancellation), 0);
        });
    }
    guarded(checked, [&] { database::public_hostname(machine, system, cancellation); });
    return checked;
}

Checked destination(os::Machine& machine, const system::Description& system, const system::Manifest& manifest,
                    base::Cancellation& cancellation) {
    Checked checked;
    checked.findings = identity_findings(machine, system, manifest);
    check_names("tree", names_of(system.trees), names_of(manifest.trees), checked);
    check_names("database", names_of(system.databases), names_of(manifest.databases), checked);
    if (system.accounts != manifest.accounts.has_value()) {
        checked.findings.push_back(
            fmt::format("accounts: system.json {} has \"accounts\": true: set it on both sides, or on none",
                        system.accounts ? "here, but not at the source," : "at the source, but not here,"));
    }
    for (const auto& tree : system.trees) {
        guarded(checked, [&] {
            const auto findings = ground_findings(machine, system, tree, Side::destination);
            checked.findings.insert(checked.findings.end(), findings.begin(), findings.end());
        });
    }
    check_services(machine, system, system::phase_of(manifest.live), cancellation, checked);
    for (const auto& database : system.databases) {
        const auto facts =
            std::find_if(manifest.databases.begin(), manifest.databases.end(),
                         [&](const auto& candidate) { return candidate.name == database.name; });
        if (facts == manifest.databases.end()) continue;
        guarded(checked, [&] {
            add(checked, "database " + base::escape(database.name),
                database::destination_findings({&machine, &system, &database}, *facts, cancellation));
        });
    }
    return checked;
}

void require_none(const Checked& checked) {
    if (checked.findings.empty()) return;
    const std::string message =
        checked.findings.size() == 1
            ? checked.findings.front()
            : fmt::format("{} things would make the run fail", checked.findings.size());
    const base::Error error{base::ErrorKind::unfit, message};
    throw checked.findings.size() == 1 ? error : error.with_details(checked.findings);
}

}  // namespace ft::checks
