#include "database/roles.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "database/facts.h"
#include "database/settings.h"

namespace ft::database {
namespace {

std::string create_statement(const Connection& server, const system::Role& role) {
    std::string statement = fmt::format("CREATE ROLE {}", server.identifier(role.name));
    for (const Right& right : kRights) {
        const auto found = role.rights.find(right.name);
        if (found != role.rights.end())
            statement += fmt::format(" {}{}", found->second ? "" : "NO", right.name);
    }
    statement += fmt::format(" CONNECTION LIMIT {}", role.connection_limit);
    if (role.password) statement += " PASSWORD " + server.literal(*role.password);
    if (role.valid_until) statement += " VALID UNTIL " + server.literal(*role.valid_until);
    return statement;
}

}  // namespace

std::vector<system::Role> missing_roles(Connection& server, const system::DatabaseFacts& facts) {
    std::vector<system::Role> missing;
    for (const system::Role& role : facts.roles) {
        if (server.query("SELECT FROM pg_roles WHERE rolname = $1", {role.name}).empty())
            missing.push_back(role);
    }
    return missing;
}

void create_roles(Connection& server, const std::vector<system::Role>& roles) {
    server.run("BEGIN");
    // Statements with password hashes do not go into the server's log.
    server.run("SET LOCAL log_statement TO 'none'");
    server.run("SET LOCAL log_min_error_statement TO 'panic'");
    server.run("SET LOCAL log_min_duration_statement TO -1");
    for (const system::Role& role : roles) {
        const std::string name = server.identifier(role.name);
        server.run(create_statement(server, role));
        for (const std::string& group : role.member_of) {
            server.run(fmt::format("GRANT {} TO {}", server.identifier(group), name));
        }
        for (const auto& [setting, value] : role.settings) {
            server.run(fmt::format("ALTER ROLE {} {}", name, set_clause(server, setting, value)));
        }
    }
    server.run("COMMIT");
}

bool drop_role(Connection& server, const std::string& name) {
    constexpr std::string_view kDependentObjects = "2BP01";
    return server.run("DROP ROLE IF EXISTS " + server.identifier(name), kDependentObjects);
}

void grant_access(Connection& server, const std::string& name, const system::DatabaseFacts& facts) {
    if (facts.acl_is_default) return;
    const std::string object = "DATABASE " + server.identifier(name);
    const std::string owner = server.identifier(facts.owner);
    server.run(fmt::format("REVOKE ALL ON {} FROM PUBLIC", object));
    server.run(fmt::format("REVOKE ALL ON {} FROM {}", object, owner));
    for (const std::string& item : facts.acl) {
        // The server takes the item apart: the text of an aclitem has its own quoting.
        const auto grants = server.query(
            "SELECT pg_get_userbyid(a.grantor), CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) "
            "END, "
            "a.privilege_type, a.is_grantable FROM aclexplode(ARRAY[$1::aclitem]) a",
            {item});
        for (const Row& grant : grants) {
            const std::string grantor = grant[0].value_or("");
            if (grantor != facts.owner) server.run("SET ROLE " + server.identifier(grantor));
            server.run(fmt::format("GRANT {} ON {} TO {}{}", grant[2].value_or(""), object,
                                   grant[1] ? server.identifier(*grant[1]) : "PUBLIC",
                                   grant[3] == "t" ? " WITH GRANT OPTION" : ""));
            server.run("RESET ROLE");
        }
    }
}

}  // namespace ft::database
