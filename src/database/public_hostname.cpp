#include <fmt/format.h>

#include <algorithm>

#include "database/server.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/database/database.h"
#include "ft/system/public_hostname.h"

namespace ft::database {
namespace {

constexpr const char* kWhere = "what its query gives";

// Functions and operators of public that a query could take for PostgreSQL's own of the same name, where
// their arguments fit better. Those of extensions are the admin's.
constexpr const char* kLookAlikes = R"(
    SELECT EXISTS (
        SELECT FROM pg_proc f WHERE f.pronamespace = n.oid
          AND EXISTS (SELECT FROM pg_proc o WHERE o.pronamespace = 'pg_catalog'::regnamespace AND o.proname = f.proname)
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e')
    ) OR EXISTS (
        SELECT FROM pg_operator f WHERE f.oprnamespace = n.oid
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_operator'::regclass AND d.objid = f.oid AND d.deptype = 'e')
    ) FROM pg_namespace n WHERE n.nspname = 'public')";
// Where the server has it: what a view does, it would do as the superuser that we are.
constexpr const char* kTablesOnly =
    "SELECT set_config(name, 'view, foreign-table', true) FROM pg_settings "
    "WHERE name = 'restrict_nonsystem_relation_kind'";

std::string answer_of(const Access& access, const std::string& query, base::Cancellation& cancellation) {
    Connection session = connect(access, access.database->name, cancellation);
    session.run("BEGIN READ ONLY");
    session.run("SET LOCAL statement_timeout TO '30s'");
    session.query(kTablesOnly);
    if (session.value(kLookAlikes) == "f") session.run("SET LOCAL search_path TO public");
    std::vector<Row> rows;
    try {
        rows = session.query(query);
    } catch (const base::Error& error) {
        const bool unknown = std::string_view{error.what()}.find("does not exist") != std::string_view::npos;
        if (error.kind() != base::ErrorKind::database || !unknown) throw;
        throw base::Error{error.kind(), fmt::format("{} (give names that are not in schema public, or that "
                                                    "PostgreSQL has too, with their schema)",
                                                    error.what())};
    }
    session.run("COMMIT");
    if (rows.size() != 1 || rows.front().size() != 1) {
        throw base::Error{base::ErrorKind::unfit,
                          fmt::format("its query gives {} rows of {} values: one value is wanted",
                                      rows.size(), rows.empty() ? 0 : rows.front().size())};
    }
    return system::require_host_name(rows.front().front().value_or(""), kWhere);
}

}  // namespace

std::optional<std::string> public_hostname(os::Machine& machine, const system::Description& system,
                                           base::Cancellation& cancellation) try {
    if (!system.public_hostname) return std::nullopt;
    const system::PublicHostname& name = *system.public_hostname;
    if (!name.literal.empty()) return system::require_host_name(name.literal, "it");
    if (!name.file.empty()) return system::public_hostname_of_file(machine, system, name);
    const auto database =
        std::find_if(system.databases.begin(), system.databases.end(),
                     [&](const auto& candidate) { return candidate.name == name.database; });
    if (database == system.databases.end()) {
        throw base::Error{base::ErrorKind::usage, "system.json does not name its database"};
    }
    try {
        return answer_of({&machine, &system, &*database}, name.sql, cancellation);
    } catch (const base::Error& error) {
        throw error.on("database " + name.database);
    }
} catch (const base::Error& error) {
    throw error.on("public_hostname");
}

}  // namespace ft::database
