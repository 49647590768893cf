#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "database/server.h"
#include "database/settings.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/database/database.h"

namespace ft::database {
namespace {

using commit::DatabaseSwap;

constexpr const char* kStatementLimit = "SET statement_timeout TO '60s'";

/// A database that gets another name, and the mark that it has then (empty: none).
struct Renaming {
    std::uint32_t oid = 0;
    std::string from;
    std::string to;
    std::string mark;
};

base::Error swap_error(const std::string& message) { return {base::ErrorKind::database, message}; }

/// One exchange of names, however often it is tried: with its own session each time.
class Exchange {
public:
    Exchange(os::Machine& machine, const DatabaseSwap& swap, std::vector<Renaming> renamings)
        : machine_{machine}, swap_{swap}, renamings_{std::move(renamings)} {}

    void run() {
        Connection server = connect();
        const std::string session = session_id(server);
        try {
            refuse_prepared(server);
            for (const Renaming& renaming : renamings_) {
                close_doors(server, renaming.from);
                end_sessions(machine_, server, {renaming.oid, renaming.from, {}}, never_);
            }
            rename(server);
        } catch (const base::Error& error) {
            if (!is_done_after_all(session)) throw;
            base::log_info("database {}: swapped, although the answer was lost: {}", base::escape(swap_.name),
                           error.what());
        }
    }

private:
    Connection connect() {
        Connection server = connect_beside(machine_, swap_.connection, swap_.os_user, swap_.name, never_);
        server.run(kStatementLimit);
        return server;
    }

    void refuse_prepared(Connection& server) {
        for (const Renaming& renaming : renamings_) {
            const std::string gid = server.value(
                "SELECT gid FROM pg_prepared_xacts WHERE database = $1 ORDER BY 1", {renaming.from});
            if (!gid.empty()) throw swap_error("a prepared transaction holds it: " + base::escape(gid));
        }
    }

    void rename(Connection& server) {
        server.run("BEGIN");
        for (const Renaming& renaming : renamings_) {
            const std::string to = server.identifier(renaming.to);
            server.run(fmt::format("ALTER DATABASE {} RENAME TO {}", server.identifier(renaming.from), to));
            server.run(fmt::format("ALTER DATABASE {} {}", to,
                                   renaming.mark.empty() ? fmt::format("RESET {}", server.identifier(kMark))
                                                         : set_clause(server, kMark, renaming.mark)));
            open_doors(server, renaming.to);
        }
        server.run("COMMIT");
    }

    /// After a failure, from a new session: are the names exchanged? If not, every door is open again.
    bool is_done_after_all(const std::string& session) {
        Connection server = connect();
        // First that session must be over: a commit whose answer was lost may still be on its way.
        end_session(machine_, server, session, never_);
        bool done = true;
        for (const Renaming& renaming : renamings_) {
            const auto standing = find_database(server, renaming.oid);
            if (!standing) continue;
            done = done && standing->name == renaming.to;
            open_doors(server, standing->name);
        }
        return done;
    }

    os::Machine& machine_;
    const DatabaseSwap& swap_;
    std::vector<Renaming> renamings_;
    base::Cancellation never_;  // a commit is not interrupted
};

Connection connect(os::Machine& machine, const DatabaseSwap& swap, base::Cancellation& never) {
    return connect_beside(machine, swap.connection, swap.os_user, swap.name, never);
}

/// A server that is not there (after a reboot it may come later than we) refuses nothing: the swap waits for
/// it.
Connection wait_for(os::Machine& machine, const DatabaseSwap& swap, base::Cancellation& never) try {
    return connect(machine, swap, never);
} catch (const base::Error& error) {
    throw base::Error{base::ErrorKind::recovery, error.what(), error.advice()};
}

bool has_name(const std::optional<Standing>& standing, const std::string& name) {
    return standing && standing->name == name;
}

/// Makes room for the name of the replaced database: what has it is ours and of an earlier run, or an error.
void free_previous_name(os::Machine& machine, Connection& server, const DatabaseSwap& swap,
                        base::Cancellation& never) {
    const auto standing = find_database(server, swap.previous);
    if (!standing || standing->oid == swap.current_oid) return;
    if (standing->mark != kPreviousMark) {
        throw swap_error(
            fmt::format("a database {} exists that ft did not make", base::escape(swap.previous)));
    }
    base::log_info("dropping database {} of an earlier run", base::escape(swap.previous));
    drop_database(machine, server, *standing, never);
}

}  // namespace

void PostgresSwapper::apply(const DatabaseSwap& swap) try {
    base::Cancellation never;
    std::vector<Renaming> renamings;
    {
        Connection server = wait_for(machine_, swap, never);
        const auto incoming = find_database(server, swap.incoming_oid);
        if (has_name(incoming, swap.name)) return;
        if (!has_name(incoming, swap.incoming))
            throw swap_error("the restored database is gone or has another name");
        const auto current = find_database(server, swap.name);
        if (current && current->oid != swap.current_oid)
            throw swap_error("another database has taken this name");
        free_previous_name(machine_, server, swap, never);
        if (current) renamings.push_back({current->oid, swap.name, swap.previous, kPreviousMark});
        renamings.push_back({incoming->oid, swap.incoming, swap.name, {}});
    }
    Exchange{machine_, swap, std::move(renamings)}.run();
} catch (const base::Error& error) {
    throw error.on("database " + swap.name);
}

void PostgresSwapper::reverse(const DatabaseSwap& swap) try {
    base::Cancellation never;
    std::vector<Renaming> renamings;
    {
        Connection server = wait_for(machine_, swap, never);
        const auto replaced = find_database(server, swap.current_oid);
        if (has_name(find_database(server, swap.incoming_oid), swap.name)) {
            renamings.push_back({swap.incoming_oid, swap.name, swap.incoming, kIncomingMark});
        } else if (!has_name(replaced, swap.previous)) {
            if (has_name(replaced, swap.name)) open_doors(server, swap.name);  // an apply that was cut short
            return;
        }
        if (swap.current_oid != 0) {
            if (!has_name(replaced, swap.previous))
                throw swap_error("the replaced database is gone or has another name");
            renamings.push_back({swap.current_oid, swap.previous, swap.name, {}});
        }
    }
    Exchange{machine_, swap, std::move(renamings)}.run();
} catch (const base::Error& error) {
    throw error.on("database " + swap.name);
}

void PostgresSwapper::redo(const DatabaseSwap& swap) try {
    base::Cancellation never;
    std::vector<Renaming> renamings;
    {
        Connection server = wait_for(machine_, swap, never);
        const auto incoming = find_database(server, swap.incoming_oid);
        if (!has_name(incoming, swap.incoming) && !has_name(incoming, swap.name)) {
            if (!has_name(find_database(server, swap.current_oid), swap.name)) return;
            renamings.push_back({swap.current_oid, swap.name, swap.previous, kPreviousMark});
        }
    }
    if (renamings.empty()) return apply(swap);
    Exchange{machine_, swap, std::move(renamings)}.run();
} catch (const base::Error& error) {
    const std::string object = "database " + swap.name;
    if (std::string_view{error.what()}.starts_with(object)) throw;
    throw error.on(object);
}

void PostgresSwapper::require_reversible(const DatabaseSwap& swap) try {
    base::Cancellation never;
    Connection server = connect(machine_, swap, never);
    const auto refuse = [](const std::string& why) { throw base::Error{base::ErrorKind::unfit, why}; };
    const auto current = find_database(server, swap.name);
    if (current && current->oid != swap.incoming_oid && current->oid != swap.current_oid)
        refuse("another database has taken this name");
    const auto incoming = find_database(server, swap.incoming);
    if (incoming && incoming->oid != swap.incoming_oid)
        refuse(fmt::format("another database is called {}", base::escape(swap.incoming)));
    if (swap.current_oid == 0) return;
    const auto replaced = find_database(server, swap.current_oid);
    if (!has_name(replaced, swap.previous) && !has_name(replaced, swap.name))
        refuse(
            fmt::format("what was replaced, {}, is gone or has another name", base::escape(swap.previous)));
} catch (const base::Error& error) {
    throw error.on("database " + swap.name);
}

namespace {

/// Drops the database with this oid if it still has this name. A server that cannot be asked is no matter of
/// recovery: nothing but room waits for it.
void drop(os::Machine& machine, const DatabaseSwap& swap, std::uint32_t oid, const std::string& name) try {
    base::Cancellation never;
    Connection server = connect(machine, swap, never);
    const auto standing = find_database(server, oid);
    if (has_name(standing, name)) drop_database(machine, server, *standing, never);
} catch (const base::Error& error) {
    throw error.on("database " + name);
}

}  // namespace

void PostgresSwapper::discard(const DatabaseSwap& swap) {
    drop(machine_, swap, swap.current_oid, swap.previous);
}

void PostgresSwapper::discard_incoming(const DatabaseSwap& swap) {
    drop(machine_, swap, swap.incoming_oid, swap.incoming);
}

}  // namespace ft::database
