#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "database/facts.h"
#include "database/kept_rows.h"
#include "database/server.h"
#include "database/tools.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/database/database.h"

namespace ft::database {
namespace {

constexpr int kOldestServer = 12;
constexpr std::size_t kNamed = 5;

using Findings = std::vector<std::string>;

int major_of(int version) { return version / 10000; }

/// "a, b, c and 7 more"; empty for none.
std::string names_in(const std::vector<Row>& rows) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < std::min(rows.size(), kNamed); ++i)
        names.push_back(base::escape(rows[i][0].value_or("")));
    std::string text = fmt::format("{}", fmt::join(names, ", "));
    if (rows.size() > kNamed) text += fmt::format(" and {} more", rows.size() - kNamed);
    return text;
}

/// Adds a finding for each of the rows that `query` gives, all in one line.
void find_any(Connection& session, const std::string& query, const std::vector<std::string>& parameters,
              const char* line, Findings& findings) {
    const auto rows = session.query(query, parameters);
    if (!rows.empty()) findings.push_back(fmt::format(fmt::runtime(line), names_in(rows)));
}

/// The tool, when it can be used; else nothing and a finding.
std::optional<Tool> fit_tool(os::Machine& machine, const std::string& name, int major,
                             base::Cancellation& cancellation, Findings& findings) {
    try {
        Tool tool = find_tool(machine, name, major, cancellation);
        const std::string fault = tool_fault(name, tool);
        if (fault.empty()) return tool;
        findings.push_back(fault);
    } catch (const base::Error& error) {
        if (error.kind() != base::ErrorKind::unfit) throw;
        findings.emplace_back(error.what());
    }
    return std::nullopt;
}

bool is_superuser(Connection& session) {
    return session.value("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == "t";
}

void find_unreadable(Connection& session, Findings& findings) {
    if (is_superuser(session)) return;
    constexpr const char* kTables =
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'S') AND c.relpersistence <> 't' AND NOT starts_with(n.nspname, 'pg_') AND "
        "n.nspname <> 'information_schema' AND {} ORDER BY 1";
    find_any(session, fmt::format(kTables, "NOT has_table_privilege(c.oid, 'SELECT')"), {},
             "no right to read {}: connect as a superuser", findings);
    find_any(session,
             fmt::format(
                 kTables,
                 "c.relrowsecurity AND NOT (SELECT rolbypassrls FROM pg_roles WHERE rolname = current_user)"),
             {}, "row security hides rows of {}: connect as a superuser", findings);
}

void find_lock_shortage(Connection& session, Findings& findings) {
    const auto rows = session.query(
        "SELECT t.n, l.n FROM (SELECT count(*) AS n FROM pg_class WHERE relkind IN ('r', 'p', 'S', 'v', 'm', "
        "'f')) t, "
        "(SELECT current_setting('max_locks_per_transaction')::bigint * "
        "(current_setting('max_connections')::bigint + "
        "current_setting('max_prepared_transactions')::bigint) AS n) l WHERE t.n > l.n");
    for (const Row& row : rows) {
        findings.push_back(
            fmt::format("{} tables need more locks than the server has room for ({}): raise "
                        "max_locks_per_transaction",
                        *row[0], *row[1]));
    }
}

void find_version_faults(const Access& access, Connection& server, const system::DatabaseFacts& facts,
                         base::Cancellation& cancellation, Findings& findings) {
    const int here = major_of(server.server_version());
    const int there = major_of(facts.server_version);
    if (here < there)
        findings.push_back(fmt::format("PostgreSQL {} here is older than {} at the source", here, there));
    const int wanted = std::max(here, major_of(facts.dump_version));
    const auto tool = fit_tool(*access.machine, "pg_restore", wanted, cancellation, findings);
    if (tool && major_of(tool->version) < major_of(facts.dump_version)) {
        findings.push_back(
            fmt::format("pg_restore {} cannot read a dump of pg_dump {}: install version {} of PostgreSQL's "
                        "client programs",
                        major_of(tool->version), major_of(facts.dump_version), major_of(facts.dump_version)));
    }
}

void find_missing_locales(Connection& server, const system::DatabaseFacts& facts, Findings& findings) {
    const bool encoding = server.value("SELECT pg_char_to_encoding($1) >= 0", {facts.encoding}) == "t";
    if (!encoding) findings.push_back("unknown encoding " + base::escape(facts.encoding));
    std::vector<std::string> locales{facts.collate};
    if (facts.ctype != facts.collate) locales.push_back(facts.ctype);
    for (const std::string& locale : locales) {
        // The server itself tries whether its system knows a locale that it is to use for money. What
        // pg_collation lists is only what existed when the cluster was made.
        constexpr std::string_view kInvalidValue = "22023";
        if (!server.run("SET lc_monetary TO " + server.literal(locale), kInvalidValue)) {
            findings.push_back(
                fmt::format("locale {0} does not exist on the server's machine: add it (locale-gen {0}), "
                            "then restart PostgreSQL",
                            base::escape(locale)));
        }
    }
    const bool icu = server.value("SELECT EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i')") == "t";
    if (facts.locale_provider == "i" && (!icu || major_of(server.server_version()) < 15)) {
        findings.emplace_back("PostgreSQL here cannot use ICU locales for a database");
    }
}

void find_missing_extensions(Connection& server, const system::DatabaseFacts& facts, Findings& findings) {
    for (const auto& [name, version] : facts.extensions) {
        const auto rows =
            server.query("SELECT default_version FROM pg_available_extensions WHERE name = $1", {name});
        if (rows.empty()) {
            findings.push_back(
                fmt::format("extension {} is not installed on the server's machine", base::escape(name)));
        } else if (rows.front()[0] != version) {
            base::log_info("extension {}: version {} here, {} at the source", base::escape(name),
                           base::escape(rows.front()[0].value_or("none")), base::escape(version));
        }
    }
}

void find_foreign_names(Connection& server, const Names& names, Findings& findings) {
    for (const std::string& name : {names.incoming, names.previous, names.previous2}) {
        const auto standing = find_database(server, name);
        if (standing && standing->mark.empty()) {
            findings.push_back(
                fmt::format("a database {} exists that ft did not make: rename it", base::escape(name)));
        }
    }
}

void find_users_that_stay(Connection& server, const std::string& name, Findings& findings) {
    find_any(server, "SELECT gid FROM pg_prepared_xacts WHERE database = $1 ORDER BY 1", {name},
             "prepared transactions hold it: {}", findings);
    find_any(server, "SELECT slot_name FROM pg_replication_slots WHERE database = $1 ORDER BY 1", {name},
             "replication slots hold it: {}", findings);
    find_any(server,
             "SELECT s.subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid "
             "WHERE d.datname = $1 ORDER BY 1",
             {name}, "subscriptions hold it: {}", findings);
}

}  // namespace

std::vector<std::string> source_findings(const Access& access, base::Cancellation& cancellation) try {
    Findings findings;
    Connection session = connect(access, access.database->name, cancellation);
    const int major = major_of(session.server_version());
    if (major < kOldestServer) {
        return {fmt::format("PostgreSQL {} is too old: ft needs {} or later", major, kOldestServer)};
    }
    const auto tool = fit_tool(*access.machine, "pg_dump", major, cancellation, findings);
    if (tool && major_of(tool->version) < major) {
        findings.push_back(
            fmt::format("pg_dump {} is older than the server ({}): install version {} of PostgreSQL's client "
                        "programs",
                        major_of(tool->version), major, major));
    }
    find_unreadable(session, findings);
    find_lock_shortage(session, findings);
    return findings;
} catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::database && error.kind() != base::ErrorKind::unfit) throw;
    return {error.what()};
}

std::vector<std::string> destination_findings(const Access& access, const system::DatabaseFacts& facts,
                                              base::Cancellation& cancellation) try {
    Findings findings;
    Connection server = connect_beside(access, cancellation);
    find_version_faults(access, server, facts, cancellation, findings);
    if (!is_superuser(server)) {
        findings.emplace_back(
            "the restore needs a superuser of PostgreSQL: see user and os_user in system.json");
        return findings;
    }
    if (server.value("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean") ==
        "t") {
        findings.emplace_back("the server is a standby or read-only");
    }
    find_missing_locales(server, facts, findings);
    find_missing_extensions(server, facts, findings);
    find_foreign_names(server, names_of(access.database->name), findings);
    find_users_that_stay(server, access.database->name, findings);
    find_kept_rows(access, facts, server, cancellation, findings);
    return findings;
} catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::database && error.kind() != base::ErrorKind::unfit) throw;
    return {error.what()};
}

std::optional<std::uint64_t> current_size(const Access& access, base::Cancellation& cancellation) {
    Connection server = connect_beside(access, cancellation);
    const std::string size = server.value("SELECT pg_database_size(oid) FROM pg_database WHERE datname = $1",
                                          {access.database->name});
    if (size.empty()) return std::nullopt;
    return std::stoull(size);
}

std::optional<std::uint64_t> previous_size(os::Machine& machine, const commit::DatabaseSwap& swap,
                                           base::Cancellation& cancellation) {
    Connection server = connect_beside(machine, swap.connection, swap.os_user, swap.name, cancellation);
    const std::string size =
        server.value("SELECT pg_database_size(oid) FROM pg_database WHERE datname = $1 AND oid::text = $2",
                     {swap.previous, std::to_string(swap.current_oid)});
    if (size.empty()) return std::nullopt;
    return std::stoull(size);
}

std::uint64_t expected_backup_size(const Access& access, base::Cancellation& cancellation) {
    Connection session = connect(access, access.database->name, cancellation);
    return expected_dump_bytes(session);
}

std::optional<std::string> data_directory(const Access& access, base::Cancellation& cancellation) {
    Connection server = connect_beside(access, cancellation);
    const std::string directory = server.value(
        "SELECT setting FROM pg_settings WHERE name = 'data_directory' "
        "AND inet_server_addr() IS NOT DISTINCT FROM inet_client_addr()");
    if (directory.empty()) return std::nullopt;
    return directory;
}

}  // namespace ft::database
