#include "database/leftovers.h"

#include <fmt/format.h>

#include "database/roles.h"
#include "database/server.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"

namespace ft::database {
namespace {

Connection connect_to(os::Machine& machine, const os::Directory& state, const Remembered& left,
                      base::Cancellation& cancellation) try {
    return connect_beside(machine, left.server, left.os_user, left.name, cancellation);
} catch (const base::Error& error) {
    throw base::Error{error.kind(), error.what(),
                      fmt::format("An unfinished restore left something there. Start that server; if it is "
                                  "gone for good, remove {}/{}.",
                                  base::escape(state.path()), file_of(left.name))};
}

/// The remembered one, or one that ft has marked.
bool is_ours(const Standing& incoming, const Remembered& left) {
    return !incoming.mark.empty() || left.oid == 0 || incoming.oid == left.oid;
}

}  // namespace

void drop_remembered_database(os::Machine& machine, os::Directory& state, Remembered left,
                              base::Cancellation& cancellation) {
    if (!left.database) return;
    Connection server = connect_to(machine, state, left, cancellation);
    end_maker(machine, server, names_of(left.name).incoming, cancellation);
    const auto incoming = find_database(server, names_of(left.name).incoming);
    const bool renamed =
        left.oid != 0 && (!incoming || incoming->oid != left.oid) && find_database(server, left.oid);
    if (renamed) {
        left.roles.clear();
    } else if (incoming && is_ours(*incoming, left)) {
        drop_database(machine, server, *incoming, cancellation);
    }
    left.database = false;
    remember(state, left);
}

void drop_remembered_roles(os::Machine& machine, os::Directory& state, Remembered left,
                           base::Cancellation& cancellation) {
    if (left.database) return;
    Connection server = connect_to(machine, state, left, cancellation);
    std::erase_if(left.roles, [&](const std::string& role) {
        const bool dropped = drop_role(server, role);
        if (!dropped) base::log_warning("role {} stays: something depends on it", base::escape(role));
        return dropped;
    });
    remember(state, left);
}

Remembered remove_leftovers(const Access& access, os::Directory& state, base::Cancellation& cancellation) {
    const system::DatabaseDescription& database = *access.database;
    const std::string file = file_of(database.name);
    Remembered next{database.name, server_of(access), database.os_user, 0, false, {}};
    for (const auto drop : {drop_remembered_database, drop_remembered_roles}) {
        if (state.status(file)) drop(*access.machine, state, recall(state, file), cancellation);
    }
    if (!state.status(file)) return next;
    // What stays on another server must not be taken for what was made on this one.
    Remembered left = recall(state, file);
    if (left.server == next.server) next.roles = std::move(left.roles);
    return next;
}

void abandon_all(os::Machine& machine, os::Directory& state) {
    base::Cancellation never;
    std::optional<base::Error> first;
    // All databases, then roles: a role may be the owner in a database that another restore made.
    for (const auto drop : {drop_remembered_database, drop_remembered_roles}) {
        for (const std::string& file : remembering_files(state)) {
            std::string object = "unfinished restore";
            try {
                const Remembered left = recall(state, file);
                object = "database " + left.name;
                drop(machine, state, left, never);
            } catch (const base::Error& error) {
                if (!first) first = error.on(object);
            }
        }
    }
    if (first) throw *first;
}

}  // namespace ft::database
