#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "database/facts.h"
#include "database/files.h"
#include "database/server.h"
#include "database/tools.h"
#include "ft/base/error.h"
#include "ft/base/log.h"
#include "ft/base/task_group.h"
#include "ft/database/database.h"

namespace ft::database {
namespace {

constexpr std::chrono::seconds kProgressInterval{1};

/// Calls `on_progress` now and then, from a thread of its own, until it is destroyed.
class DumpWatch {
public:
    DumpWatch(os::Clock& clock, const os::Directory& directory, std::uint64_t expected,
              base::Cancellation& cancellation,
              const std::function<void(std::uint64_t, std::uint64_t)>& on_progress)
        : tasks_{cancellation} {
        tasks_.start("watching the backup", [this, &clock, &directory, expected, &on_progress] {
            while (!tasks_.cancellation().requested()) {
                const std::uint64_t bytes = dump_bytes(directory);
                on_progress(bytes, std::max(bytes, expected));
                try {
                    clock.sleep(kProgressInterval, tasks_.cancellation());
                } catch (const base::Error&) {
                    return;
                }
            }
        });
    }

private:
    base::TaskGroup tasks_;
};

void dump(const Access& access, const Tool& tool, const std::string& snapshot, int jobs,
          const os::Directory& into, base::Cancellation& cancellation) {
    const system::DatabaseDescription& database = *access.database;
    run_tool(*access.machine, tool,
             {"--format=directory", "--compress=0", "--no-sync", fmt::format("--jobs={}", jobs), "--blobs",
              "--quote-all-identifiers", "--lock-wait-timeout=60s", "--snapshot=" + snapshot, "--file=."},
             access.system->connection(*access.machine, database, database.name), database.os_user, into,
             cancellation);
}

/// With two jobs; with one when somebody waits for an exclusive lock (TRUNCATE, REFRESH, ...): then pg_dump's
/// second session cannot have the locks of its first one, and it gives up.
void dump_somehow(const Access& access, const Tool& tool, const std::string& snapshot, os::Directory& into,
                  base::Cancellation& cancellation) {
    try {
        dump(access, tool, snapshot, 2, into, cancellation);
    } catch (const base::Error& error) {
        if (std::string_view{error.what()}.find("could not obtain lock") == std::string_view::npos) throw;
        base::log_info("dumping again with one job: {}", error.what());
        for (const auto& [name, inode] : into.list()) into.remove(name);
        dump(access, tool, snapshot, 1, into, cancellation);
    }
}

}  // namespace

system::DatabaseFacts make_backup(const Access& access, os::Directory& into, base::Cancellation& cancellation,
                                  const std::function<void(std::uint64_t, std::uint64_t)>& on_progress) try {
    const std::string& name = access.database->name;
    Connection session = connect(access, name, cancellation);
    const Tool tool = find_tool(*access.machine, "pg_dump", session.server_version() / 10000, cancellation);
    give_to(*access.machine, into, access.database->os_user);

    // Facts, dump and counts see one moment; the transaction keeps it visible until all three are done.
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const std::string snapshot = session.value("SELECT pg_export_snapshot()");
    system::DatabaseFacts facts = read_facts(session, name);
    facts.dump_version = tool.version;
    {
        const DumpWatch watch{access.machine->clock(), into, expected_dump_bytes(session), cancellation,
                              on_progress};
        dump_somehow(access, tool, snapshot, into, cancellation);
        facts.row_counts = count_rows(session);
    }
    session.run("COMMIT");
    facts.dump_bytes = dump_bytes(into);
    facts.dump_files = digests(into, cancellation);
    on_progress(facts.dump_bytes, facts.dump_bytes);
    return facts;
} catch (const base::Error& error) {
    throw error.on("database " + access.database->name);
}

}  // namespace ft::database
