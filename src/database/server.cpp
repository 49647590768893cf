#include "database/server.h"

#include <fmt/format.h>

#include <charconv>

#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::database {
namespace {

constexpr const char* kSessionId = "pid || ' ' || backend_start";  // a pid alone comes again
constexpr int kPolls = 100;
constexpr std::chrono::milliseconds kPollInterval{100};

std::optional<Standing> find(Connection& server, const std::string& condition, const std::string& parameter) {
    const auto rows = server.query(
        fmt::format(
            "SELECT d.oid, d.datname, (SELECT substr(c, {}) FROM pg_db_role_setting s, unnest(s.setconfig) c "
            "WHERE s.setdatabase = d.oid AND s.setrole = 0 AND starts_with(c, '{}=')) "
            "FROM pg_database d WHERE {}",
            std::string_view{kMark}.size() + 2, kMark, condition),
        {parameter});
    if (rows.empty()) return std::nullopt;
    const Row& row = rows.front();
    const std::string oid = row[0].value_or("0");
    Standing found{0, row[1].value_or(""), row[2].value_or("")};
    std::from_chars(oid.data(), oid.data() + oid.size(), found.oid);
    return found;
}

/// Ends the sessions that `condition` names; returns those that are left after 10 s.
std::vector<Row> end_all(os::Machine& machine, Connection& server, const std::string& condition,
                         const std::string& parameter, base::Cancellation& cancellation) {
    const std::string end =
        "SELECT pid, coalesce(usename, backend_type), application_name, pg_terminate_backend(pid) "
        "FROM pg_stat_activity WHERE " +
        condition + " ORDER BY pid";
    auto left = server.query(end, {parameter});
    for (int poll = 0; poll < kPolls && !left.empty(); ++poll) {
        machine.clock().sleep(kPollInterval, cancellation);
        left = server.query(end, {parameter});
    }
    return left;
}

}  // namespace

Names names_of(const std::string& database) {
    return {database, database + "_ft_incoming", database + "_ft_previous", database + "_ft_previous2"};
}

std::optional<Standing> find_database(Connection& server, const std::string& name) {
    return find(server, "d.datname = $1", name);
}

std::optional<Standing> find_database(Connection& server, std::uint32_t oid) {
    return find(server, "d.oid = $1::oid", std::to_string(oid));
}

std::string server_of(const Access& access) {
    Keywords keywords = access.system->connection(*access.machine, *access.database, access.database->name);
    keywords.erase("dbname");
    return conninfo(keywords);
}

Connection connect(const Access& access, const std::string& dbname, base::Cancellation& cancellation) {
    return {*access.machine, server_of(access), dbname, access.database->os_user, cancellation};
}

Connection connect_beside(os::Machine& machine, const std::string& server, const std::string& os_user,
                          const std::string& current, base::Cancellation& cancellation) {
    std::optional<base::Error> first;
    for (const std::string dbname : {"postgres", "template1"}) {
        if (dbname == current) continue;
        try {
            return {machine, server, dbname, os_user, cancellation};
        } catch (const base::Error& error) {
            if (error.kind() != base::ErrorKind::database) throw;
            if (!first) first = error;
        }
    }
    throw *first;
}

Connection connect_beside(const Access& access, base::Cancellation& cancellation) {
    return connect_beside(*access.machine, server_of(access), access.database->os_user, access.database->name,
                          cancellation);
}

void close_doors(Connection& server, const std::string& name) {
    server.run(fmt::format("ALTER DATABASE {} ALLOW_CONNECTIONS false", server.identifier(name)));
}

void open_doors(Connection& server, const std::string& name) {
    server.run(fmt::format("ALTER DATABASE {} ALLOW_CONNECTIONS true", server.identifier(name)));
}

void end_sessions(os::Machine& machine, Connection& server, const Standing& database,
                  base::Cancellation& cancellation) {
    const auto left = end_all(machine, server, "datid = $1::oid", std::to_string(database.oid), cancellation);
    if (left.empty()) return;
    const Row& who = left.front();
    throw base::Error{base::ErrorKind::database,
                      fmt::format("{} of its sessions do not end: process {} of {} ({})", left.size(),
                                  *who[0], base::escape(*who[1]), base::escape(who[2].value_or(""))),
                      "End these sessions, then run the same command again."};
}

std::string session_id(Connection& server) {
    return server.value(
        fmt::format("SELECT {} FROM pg_stat_activity WHERE pid = pg_backend_pid()", kSessionId));
}

void end_session(os::Machine& machine, Connection& server, const std::string& id,
                 base::Cancellation& cancellation) {
    end_all(machine, server, fmt::format("{} = $1", kSessionId), id, cancellation);
}

void end_maker(os::Machine& machine, Connection& server, const std::string& name,
               base::Cancellation& cancellation) {
    end_all(machine, server, "pid <> pg_backend_pid() AND starts_with(query, $1)",
            "CREATE DATABASE " + server.identifier(name) + " ", cancellation);
}

void drop_database(os::Machine& machine, Connection& server, const Standing& database,
                   base::Cancellation& cancellation) {
    close_doors(server, database.name);
    end_sessions(machine, server, database, cancellation);
    // The mark of a template protects the admin from mistakes, not a replaced database from its replacement.
    server.run("ALTER DATABASE " + server.identifier(database.name) + " IS_TEMPLATE false");
    server.run("DROP DATABASE " + server.identifier(database.name));
}

}  // namespace ft::database
