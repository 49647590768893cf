#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "database/connection.h"
#include "ft/system/manifest.h"

namespace ft::database {

/// What the manifest says of the database of `session` besides its dump and its rows.
system::DatabaseFacts read_facts(Connection& session, const std::string& name);

/// Rows of every table that a dump brings, and the number of large objects (as the table
/// "pg_catalog"."pg_largeobject_metadata"). Names are always quoted, so that they are equal whatever words a
/// version reserves. Left out are tables that were truncated or replaced since the transaction's snapshot,
/// and materialised views: a restore refreshes them, so a stale one rightly differs.
std::map<std::string, std::uint64_t> count_rows(Connection& session);

/// Bytes that a dump of it will have, roughly.
std::uint64_t expected_dump_bytes(Connection& session);

/// The columns of a role's rights, by the names that the manifest gives them.
struct Right {
    const char* name;    ///< "superuser"; in upper case, with NO before it, SQL's word
    const char* column;  ///< "rolsuper"
};
inline constexpr Right kRights[] = {{"superuser", "rolsuper"},       {"inherit", "rolinherit"},
                                    {"createrole", "rolcreaterole"}, {"createdb", "rolcreatedb"},
                                    {"login", "rolcanlogin"},        {"replication", "rolreplication"},
                                    {"bypassrls", "rolbypassrls"}};

}  // namespace ft::database
