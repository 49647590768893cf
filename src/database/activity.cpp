#include <charconv>
#include <chrono>

#include "database/server.h"
#include "ft/base/error.h"
#include "ft/base/log.h"
#include "ft/database/database.h"

namespace ft::database {
namespace {

constexpr int kPolls = 100;
constexpr std::chrono::milliseconds kPollInterval{100};

constexpr const char* kState = R"(
    SELECT current_setting('track_counts') = 'on',
           (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()))";
constexpr const char* kCounters = R"(
    SELECT quote_ident(schemaname) || '.' || quote_ident(relname), n_tup_ins, n_tup_upd, n_tup_del
    FROM pg_stat_user_tables)";

std::uint64_t number_of(const std::optional<std::string>& text) {
    std::uint64_t number = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), number);
    return number;
}

/// A session hands its last counters in while it ends, and is listed until it has: before that, sums may grow
/// without anybody writing.
void wait_for_others(os::Machine& machine, Connection& server, std::uint32_t oid,
                     base::Cancellation& cancellation) {
    for (int poll = 0; poll < kPolls; ++poll) {
        const bool alone = server.value(
                               "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datid = $1::oid "
                               "AND backend_type IN ('client backend', 'parallel worker'))",
                               {std::to_string(oid)}) == "t";
        if (alone) return;
        machine.clock().sleep(kPollInterval, cancellation);
    }
    base::log_info("sessions stay in the restored database: what they write is counted as a change");
}

std::optional<Activity> activity_in(const Access& access, const std::string& name, bool wait,
                                    base::Cancellation& cancellation) try {
    Connection server = connect_beside(access, cancellation);
    const auto standing = find_database(server, name);
    if (!standing) return std::nullopt;
    if (wait) wait_for_others(*access.machine, server, standing->oid, cancellation);
    Connection session = connect(access, name, cancellation);
    Activity activity;
    activity.oid = standing->oid;
    const Row state = session.query(kState).at(0);
    activity.counts = state[0] == "t";
    activity.reset = state[1].value_or("");
    for (const Row& row : session.query(kCounters)) {
        activity.tables[row[0].value_or("")] = {number_of(row[1]), number_of(row[2]), number_of(row[3])};
    }
    return activity;
} catch (const base::Error& error) {
    throw error.on("database " + access.database->name);
}

}  // namespace

std::optional<Activity> current_activity(const Access& access, base::Cancellation& cancellation) {
    return activity_in(access, access.database->name, false, cancellation);
}

std::optional<Activity> restored_activity(const Access& access, base::Cancellation& cancellation) {
    return activity_in(access, names_of(access.database->name).incoming, true, cancellation);
}

}  // namespace ft::database
