#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/commit/database_swap.h"
#include "ft/os/machine.h"
#include "ft/system/description.h"
#include "ft/system/manifest.h"

namespace ft::database {

/// A database of the description on this machine.
struct Access {
    os::Machine* machine = nullptr;
    const system::Description* system = nullptr;
    const system::DatabaseDescription* database = nullptr;
};

/// What would keep a backup from being made: server down, database missing, no right to read everything,
/// pg_dump older than the server... One line each; empty: fit.
std::vector<std::string> source_findings(const Access& access, base::Cancellation& cancellation);

/// Dumps the database into the empty directory `into` (pg_dump directory format, uncompressed) from one
/// exported snapshot, in which rows are counted too. The database stays reachable; nothing stays behind in
/// it. `on_progress` gets (bytes written, bytes expected), from another thread, now and then.
system::DatabaseFacts make_backup(const Access& access, os::Directory& into, base::Cancellation& cancellation,
                                  const std::function<void(std::uint64_t, std::uint64_t)>& on_progress);

/// The source's answer to a destination that keeps rows of its own: of each table that `rules` name and this
/// database has, the unique keys and what the rows that stay have for them. A key with too many or too long
/// values is left out: then the restore finds a clash. The names in `rules` may be a peer's.
std::vector<system::KeptTable> kept_facts(const Access& access, const std::vector<system::KeptRows>& rules,
                                          base::Cancellation& cancellation);

/// What would keep the restore of `facts` from succeeding here: versions of server and pg_restore, encoding
/// and locale that cannot be created, extensions that are not installed, rights, names in use that are not
/// ours, rows that are kept and clash.
std::vector<std::string> destination_findings(const Access& access, const system::DatabaseFacts& facts,
                                              base::Cancellation& cancellation);

/// About how large a backup will be, in bytes: its tables without their indexes.
std::uint64_t expected_backup_size(const Access& access, base::Cancellation& cancellation);

/// What is here now, for the summary: size in bytes; nothing when the database does not exist.
std::optional<std::uint64_t> current_size(const Access& access, base::Cancellation& cancellation);
/// Size of what a swap has replaced, in bytes; nothing when it is not there under that name.
std::optional<std::uint64_t> previous_size(os::Machine& machine, const commit::DatabaseSwap& swap,
                                           base::Cancellation& cancellation);
/// Who has sessions in it, one line for each user and application: "2 sessions of user app (puma)".
std::vector<std::string> other_sessions(const Access& access, base::Cancellation& cancellation);
/// Directory of the cluster's data on this machine, for the space check; nothing when it is not to be had.
std::optional<std::string> data_directory(const Access& access, base::Cancellation& cancellation);

/// Restores the dump in `backup` into NAME_ft_incoming: missing roles, database with owner, encoding, locale
/// and settings, pg_restore with `jobs` jobs and exit on error, ANALYZE, row counts compared with `facts`.
/// The backup must hold the files that `facts` names, with their digests, and nothing else; they become those
/// of os_user. What an earlier restore left is removed first. Returns what the commit needs. Errors:
/// database, corrupt (files or counts differ), cancelled. What it made is removed by abandon_all().
commit::DatabaseSwap restore(const Access& access, const system::DatabaseFacts& facts, os::Directory& backup,
                             os::Directory& state, int jobs, base::Cancellation& cancellation);

/// A rule of keep.rows (for people, not escaped) and how many rows of this machine it kept.
struct KeptCount {
    std::string rule;
    std::uint64_t rows = 0;
};

/// Puts this machine's own rows into the restored database, as its keep_rows say: they take the place of the
/// source's rows of the same keys; a row that is not here is taken out. All of it or nothing. Errors:
/// database (unique keys that clash), unfit (foreign keys that would break, a table that is gone), cancelled.
std::vector<KeptCount> keep_rows(const Access& access, base::Cancellation& cancellation);

/// Rows that were written in a table since the server began to count.
struct RowCounters {
    std::uint64_t inserted = 0;
    std::uint64_t updated = 0;
    std::uint64_t deleted = 0;
    bool operator==(const RowCounters&) const = default;
};
/// What the server has counted in a database. Emptying a whole table (TRUNCATE) counts as nothing.
struct Activity {
    std::uint32_t oid = 0;                      ///< of the database
    bool counts = true;                         ///< the server is set to count
    std::string reset;                          ///< when somebody had it begin anew; empty: never
    std::map<std::string, RowCounters> tables;  ///< by name, quoted where it must be: public.users
    bool operator==(const Activity&) const = default;
};
/// Of the live database; nothing when there is none.
std::optional<Activity> current_activity(const Access& access, base::Cancellation& cancellation);
/// Of the restored one, once all sessions that wrote in it have ended: whoever writes later, it is no part of
/// the restore.
std::optional<Activity> restored_activity(const Access& access, base::Cancellation& cancellation);

/// Where system.json says that it stands (a text, a query, a file), read now; nothing when it does not say.
/// The query runs in a transaction that only reads, as os_user and with the rights of the connection's role;
/// names without a schema are PostgreSQL's or those of public. Errors, which all name public_hostname: unfit
/// (no such value, or it is no host name), database, io, permission.
std::optional<std::string> public_hostname(os::Machine& machine, const system::Description& system,
                                           base::Cancellation& cancellation);

/// Removes what unfinished or failed restores left: the incoming databases that are ours, and the roles that
/// were created for them. It needs only what `state` remembers, not that system.json still names them.
/// Nothing to do: nothing done. One that fails (a server that is down is Error database) keeps no other from
/// being removed; the first error is thrown at the end.
void abandon_all(os::Machine& machine, os::Directory& state);
/// The restore was committed: forgets which roles it had created.
void settle(os::Directory& state);
/// True when `state` remembers an unfinished restore.
bool has_unfinished(const os::Directory& state);

/// The swap on a real server; `machine` outlives it.
class PostgresSwapper : public commit::DatabaseSwapper {
public:
    explicit PostgresSwapper(os::Machine& machine) : machine_{machine} {}
    void apply(const commit::DatabaseSwap& swap) override;
    void reverse(const commit::DatabaseSwap& swap) override;
    void redo(const commit::DatabaseSwap& swap) override;
    void require_reversible(const commit::DatabaseSwap& swap) override;
    void discard(const commit::DatabaseSwap& swap) override;
    void discard_incoming(const commit::DatabaseSwap& swap) override;

private:
    os::Machine& machine_;
};

}  // namespace ft::database
