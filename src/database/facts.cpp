#include "database/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <set>

#include "database/server.h"

namespace ft::database {
namespace {

template <typename Number>
Number number_of(const std::optional<std::string>& text) {
    Number number{};
    if (text) std::from_chars(text->data(), text->data() + text->size(), number);
    return number;
}

// Columns of newer versions are asked for through jsonb, where a missing one is null.
constexpr const char* kDatabase = R"(
    SELECT pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding), coalesce(j->>'datlocprovider', 'c'),
           d.datcollate, d.datctype, coalesce(j->>'datlocale', j->>'daticulocale'),
           shobj_description(d.oid, 'pg_database'), d.datconnlimit, d.datacl IS NULL, pg_database_size(d.oid)
    FROM pg_database d, to_jsonb(d) j WHERE d.datname = current_database())";
constexpr const char* kAcl = R"(
    SELECT item::text FROM pg_database d, unnest(d.datacl) WITH ORDINALITY a(item, position)
    WHERE d.datname = current_database() ORDER BY position)";
constexpr const char* kExtensions = "SELECT extname, extversion FROM pg_extension ORDER BY extname";
constexpr const char* kSettings = R"(
    SELECT split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)
    FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) WITH ORDINALITY a(c, position)
    WHERE d.datname = current_database() AND s.setrole = 0 AND NOT starts_with(c, $1) ORDER BY position)";
constexpr const char* kSettingsOfRoles = R"(
    SELECT pg_get_userbyid(s.setrole), split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)
    FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) WITH ORDINALITY a(c, position)
    WHERE d.datname = current_database() AND s.setrole <> 0 ORDER BY 1, position)";

// Roles that own, are granted or have set something here, the database's owner, the bootstrap superuser (its
// objects are in no dependency), and all that these are members of; none that PostgreSQL brings itself.
constexpr const char* kUsedRoles = R"(
    WITH RECURSIVE here AS (SELECT oid, datdba FROM pg_database WHERE datname = current_database()),
    used(oid) AS (
        SELECT s.refobjid FROM pg_shdepend s, here
        WHERE s.refclassid = 'pg_authid'::regclass
          AND (s.dbid = here.oid OR (s.dbid = 0 AND s.classid = 'pg_database'::regclass AND s.objid = here.oid))
        UNION SELECT datdba FROM here
        UNION SELECT s.setrole FROM pg_db_role_setting s, here WHERE s.setdatabase = here.oid AND s.setrole <> 0
        UNION SELECT 10::oid
        UNION SELECT m.roleid FROM pg_auth_members m JOIN used ON m.member = used.oid)
    SELECT r.oid, r.rolname, r.rolconnlimit, {}, r.rolvaliduntil::text{}
    FROM used JOIN {} r USING (oid) WHERE NOT starts_with(r.rolname, 'pg_') ORDER BY r.rolname)";
constexpr const char* kMemberships = R"(
    SELECT DISTINCT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
    WHERE m.member = $1::oid ORDER BY 1)";
constexpr const char* kRoleSettings = R"(
    SELECT split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)
    FROM pg_db_role_setting s, unnest(s.setconfig) c WHERE s.setdatabase = 0 AND s.setrole = $1::oid)";

// As the snapshot has them, and whether each is still the same: a table that was truncated, rewritten or
// replaced since looks empty, whatever the snapshot. Not those of extensions: CREATE EXTENSION makes and
// fills them.
constexpr const char* kTables = R"(
    SELECT t.name, to_regclass(t.name) = c.oid AND pg_relation_filenode(c.oid) = c.relfilenode
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
         format('"%s"."%s"', replace(n.nspname, '"', '""'), replace(c.relname, '"', '""')) t(name)
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND NOT starts_with(n.nspname, 'pg_')
      AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))";
constexpr const char* kLargeObjects = "\"pg_catalog\".\"pg_largeobject_metadata\"";

std::vector<system::Role> read_roles(Connection& session) {
    const bool hashes = session.value("SELECT has_table_privilege('pg_authid', 'SELECT')") == "t";
    std::string rights;
    for (const Right& right : kRights) rights += fmt::format(", r.{}", right.column);
    const auto rows = session.query(fmt::format(kUsedRoles, hashes ? "r.rolpassword" : "NULL", rights,
                                                hashes ? "pg_authid" : "pg_roles"));
    std::vector<system::Role> roles;
    for (const Row& row : rows) {
        system::Role role;
        role.name = row[1].value_or("");
        role.connection_limit = number_of<int>(row[2]);
        role.password = row[3];
        role.valid_until = row[4];
        for (std::size_t i = 0; i < std::size(kRights); ++i) role.rights[kRights[i].name] = row[5 + i] == "t";
        const std::string oid = row[0].value_or("0");
        for (const Row& group : session.query(kMemberships, {oid}))
            role.member_of.push_back(group[0].value_or(""));
        for (const Row& setting : session.query(kRoleSettings, {oid})) {
            role.settings[setting[0].value_or("")] = setting[1].value_or("");
        }
        roles.push_back(std::move(role));
    }
    return roles;
}

/// Every role behind those that it is a member of.
std::vector<system::Role> members_last(std::vector<system::Role> roles) {
    std::vector<system::Role> ordered;
    std::set<std::string> placed;
    const std::function<void(const system::Role&)> place = [&](const system::Role& role) {
        if (!placed.insert(role.name).second) return;
        for (const system::Role& group : roles) {
            if (std::find(role.member_of.begin(), role.member_of.end(), group.name) != role.member_of.end())
                place(group);
        }
        ordered.push_back(role);
    };
    for (const system::Role& role : roles) place(role);
    return ordered;
}

}  // namespace

system::DatabaseFacts read_facts(Connection& session, const std::string& name) {
    system::DatabaseFacts facts;
    facts.name = name;
    facts.server_version = session.server_version();
    const Row row = session.query(kDatabase).at(0);
    facts.owner = row[0].value_or("");
    facts.encoding = row[1].value_or("");
    facts.locale_provider = row[2].value_or("");
    facts.collate = row[3].value_or("");
    facts.ctype = row[4].value_or("");
    facts.icu_locale = row[5];
    facts.comment = row[6];
    facts.connection_limit = number_of<int>(row[7]);
    facts.acl_is_default = row[8] == "t";
    facts.size = number_of<std::uint64_t>(row[9]);
    for (const Row& item : session.query(kAcl)) facts.acl.push_back(item[0].value_or(""));
    for (const Row& setting : session.query(kSettings, {std::string{kMark} + "="})) {
        facts.settings.emplace_back(setting[0].value_or(""), setting[1].value_or(""));
    }
    for (const Row& setting : session.query(kSettingsOfRoles)) {
        facts.role_settings.push_back(
            {setting[0].value_or(""), setting[1].value_or(""), setting[2].value_or("")});
    }
    for (const Row& extension : session.query(kExtensions)) {
        facts.extensions.emplace_back(extension[0].value_or(""), extension[1].value_or(""));
    }
    facts.roles = members_last(read_roles(session));
    return facts;
}

std::map<std::string, std::uint64_t> count_rows(Connection& session) {
    std::map<std::string, std::uint64_t> counts;
    const auto count = [&](const std::string& table) {
        counts[table] = number_of<std::uint64_t>(session.value("SELECT count(*) FROM ONLY " + table));
    };
    for (const Row& table : session.query(kTables)) {
        if (table[1] == "t") count(*table[0]);
    }
    for (const Row& table : session.query(kTables)) {
        if (table[1] != "t") counts.erase(*table[0]);
    }
    count(kLargeObjects);
    return counts;
}

std::uint64_t expected_dump_bytes(Connection& session) {
    return number_of<std::uint64_t>(
        session.value("SELECT coalesce(sum(pg_table_size(c.oid)), 0)::bigint FROM pg_class c "
                      "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' "
                      "AND (NOT starts_with(n.nspname, 'pg_') OR c.relname = 'pg_largeobject')"));
}

}  // namespace ft::database
