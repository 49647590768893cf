#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "database/connection.h"
#include "ft/database/database.h"

namespace ft::database {

/// What a database is called while it is restored beside the current one, and after it was replaced. A name
/// that system.json may hold leaves room for that.
struct Names {
    std::string current;
    std::string incoming;
    std::string previous;
    std::string previous2;  ///< where an undo store holds `previous`
};
Names names_of(const std::string& database);

/// A database that ft made or moved carries this setting (ALTER DATABASE ... SET): its value is one of these.
/// A setting, not the comment: the comment is content that must come across.
inline constexpr const char* kMark = "ft.restore";
inline constexpr const char* kIncomingMark = "incoming";
inline constexpr const char* kPreviousMark = "previous";

struct Standing {
    std::uint32_t oid = 0;
    std::string name;
    std::string mark;  ///< empty: not ours
};
std::optional<Standing> find_database(Connection& server, const std::string& name);
std::optional<Standing> find_database(Connection& server, std::uint32_t oid);

/// conninfo of the server of `access`, without dbname.
std::string server_of(const Access& access);
/// A session in the database itself, or in the one called `dbname`.
Connection connect(const Access& access, const std::string& dbname, base::Cancellation& cancellation);
/// A session in a database of `server` that is never `current`: from there databases are made, renamed,
/// dropped.
Connection connect_beside(os::Machine& machine, const std::string& server, const std::string& os_user,
                          const std::string& current, base::Cancellation& cancellation);
Connection connect_beside(const Access& access, base::Cancellation& cancellation);

/// Ends the session that still makes database `name`: a server goes on with a statement after its client has
/// left.
void end_maker(os::Machine& machine, Connection& server, const std::string& name,
               base::Cancellation& cancellation);

/// Shuts new sessions out of database `name`, or lets them in again.
void close_doors(Connection& server, const std::string& name);
void open_doors(Connection& server, const std::string& name);
/// Ends all sessions of a database whose doors are closed. Error database names who is left after 10 s.
void end_sessions(os::Machine& machine, Connection& server, const Standing& database,
                  base::Cancellation& cancellation);
/// What identifies the session of `server` itself, on that server, for ever.
std::string session_id(Connection& server);
/// Ends that session and waits, at most 10 s, until it is gone.
void end_session(os::Machine& machine, Connection& server, const std::string& id,
                 base::Cancellation& cancellation);
/// Drops a database of ours, whoever uses it.
void drop_database(os::Machine& machine, Connection& server, const Standing& database,
                   base::Cancellation& cancellation);

}  // namespace ft::database
