#include <fmt/format.h>

#include <algorithm>

#include "database/facts.h"
#include "database/files.h"
#include "database/leftovers.h"
#include "database/roles.h"
#include "database/server.h"
#include "database/settings.h"
#include "database/tools.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/commit/undo.h"
#include "ft/database/database.h"

namespace ft::database {
namespace {

constexpr std::size_t kDifferencesShown = 5;

std::string create_statement(const Connection& server, const std::string& name,
                             const system::DatabaseFacts& facts) {
    std::string statement = fmt::format(
        "CREATE DATABASE {} TEMPLATE template0 OWNER {} ENCODING {} LC_COLLATE {} LC_CTYPE {} CONNECTION "
        "LIMIT {}",
        server.identifier(name), server.identifier(facts.owner), server.literal(facts.encoding),
        server.literal(facts.collate), server.literal(facts.ctype), facts.connection_limit);
    const std::string locale = server.literal(facts.icu_locale.value_or(""));
    if (facts.locale_provider == "c" && server.server_version() >= 150000)
        statement += " LOCALE_PROVIDER libc";
    if (facts.locale_provider == "i") statement += " LOCALE_PROVIDER icu ICU_LOCALE " + locale;
    if (facts.locale_provider == "b") statement += " LOCALE_PROVIDER builtin BUILTIN_LOCALE " + locale;
    return statement;
}

/// Makes the empty database and everything of it that no dump holds. Settings first, as pg_restore --create
/// does: what is restored may rest on them.
std::uint32_t create_database(Connection& server, const std::string& name,
                              const system::DatabaseFacts& facts) {
    const std::string quoted = server.identifier(name);
    server.run(create_statement(server, name, facts));
    server.run(fmt::format("ALTER DATABASE {} {}", quoted, set_clause(server, kMark, kIncomingMark)));
    for (const auto& [setting, value] : facts.settings) {
        server.run(fmt::format("ALTER DATABASE {} {}", quoted, set_clause(server, setting, value)));
    }
    for (const auto& [role, setting, value] : facts.role_settings) {
        server.run(fmt::format("ALTER ROLE {} IN DATABASE {} {}", server.identifier(role), quoted,
                               set_clause(server, setting, value)));
    }
    if (facts.comment)
        server.run(fmt::format("COMMENT ON DATABASE {} IS {}", quoted, server.literal(*facts.comment)));
    grant_access(server, name, facts);
    const auto made = find_database(server, name);
    if (!made) throw base::Error{base::ErrorKind::database, "the database vanished while it was restored"};
    return made->oid;
}

void check_files(const os::Directory& backup, const system::DatabaseFacts& facts,
                 base::Cancellation& cancellation) {
    const auto here = digests(backup, cancellation);
    if (here == facts.dump_files) return;
    for (const auto& [file, digest] : facts.dump_files) {
        const auto found = here.find(file);
        if (found != here.end() && found->second == digest) continue;
        throw base::Error{base::ErrorKind::corrupt,
                          fmt::format("the dump's file {} is {}", base::escape(file),
                                      found == here.end() ? "missing" : "not what the source made")};
    }
    throw base::Error{base::ErrorKind::corrupt, "the dump holds files that the source did not make"};
}

void fill(const Access& access, const Names& names, const system::DatabaseFacts& facts,
          const os::Directory& backup, int version, int jobs, base::Cancellation& cancellation) {
    os::Machine& machine = *access.machine;
    const Tool tool =
        find_tool(machine, "pg_restore", std::max(version, facts.dump_version) / 10000, cancellation);
    Keywords keywords = access.system->connection(machine, *access.database, names.incoming);
    // Nothing waits for the disk one by one: the swap's own commit makes all that was written before it
    // durable.
    keywords["options"] += " -c synchronous_commit=off -c default_transaction_read_only=off";
    run_tool(
        machine, tool,
        {"--format=directory", "--exit-on-error", "--no-tablespaces", fmt::format("--jobs={}", jobs), "."},
        std::move(keywords), access.database->os_user, backup, cancellation);
}

void compare_counts(const std::map<std::string, std::uint64_t>& expected,
                    const std::map<std::string, std::uint64_t>& here) {
    std::vector<std::string> differences;
    for (const auto& [table, rows] : expected) {
        const auto found = here.find(table);
        if (found != here.end() && found->second == rows) continue;
        differences.push_back(
            fmt::format("{}: {} rows at the source, {} here", base::escape(table), rows,
                        found == here.end() ? std::string{"no table"} : std::to_string(found->second)));
    }
    if (differences.empty()) return;
    const std::string message = fmt::format("{} tables differ after the restore, the first: {}",
                                            differences.size(), differences.front());
    differences.resize(std::min(differences.size(), kDifferencesShown));
    throw base::Error{base::ErrorKind::corrupt, message}.with_details(std::move(differences));
}

/// What the replaced database will be called: the undo store holds the other name until the commit.
std::string free_previous_name(const Names& names, const os::Directory& state) {
    const auto store = commit::undo_store(state);
    const bool held = store && std::any_of(store->swaps.begin(), store->swaps.end(), [&](const auto& swap) {
                          return swap.current_oid != 0 && swap.previous == names.previous;
                      });
    return held ? names.previous2 : names.previous;
}

}  // namespace

commit::DatabaseSwap restore(const Access& access, const system::DatabaseFacts& facts, os::Directory& backup,
                             os::Directory& state, int jobs, base::Cancellation& cancellation) try {
    const std::string& name = access.database->name;
    const Names names = names_of(name);
    Remembered made = remove_leftovers(access, state, cancellation);
    Connection server = connect_beside(access, cancellation);
    if (const auto standing = find_database(server, names.incoming); standing && !standing->mark.empty()) {
        drop_database(*access.machine, server, *standing, cancellation);  // of a lost state directory
    } else if (standing) {
        throw base::Error{
            base::ErrorKind::unfit,
            fmt::format("a database {} exists that ft did not make", base::escape(names.incoming)),
            "Rename it, then run the same command again."};
    }
    check_files(backup, facts, cancellation);
    give_to(*access.machine, backup, access.database->os_user);

    const std::vector<system::Role> missing = missing_roles(server, facts);
    for (const system::Role& role : missing) made.roles.push_back(role.name);
    remember(state, made);
    create_roles(server, missing);

    made.database = true;
    remember(state, made);
    made.oid = create_database(server, names.incoming, facts);
    remember(state, made);

    fill(access, names, facts, backup, server.server_version(), jobs, cancellation);
    Connection session = connect(access, names.incoming, cancellation);
    session.run("ANALYZE");
    compare_counts(facts.row_counts, count_rows(session));

    const auto current = find_database(server, names.current);
    return {server_of(access),
            access.database->os_user,
            names.current,
            names.incoming,
            free_previous_name(names, state),
            made.oid,
            current ? current->oid : 0};
} catch (const base::Error& error) {
    throw error.on("database " + access.database->name);
}

}  // namespace ft::database
