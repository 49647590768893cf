#include "database/kept_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "database/foreign_keys.h"
#include "database/server.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"

namespace ft::database {
namespace {

// What runs even while a session is a replica's: code of others, which must not run as us.
constexpr const char* kAlwaysRun = R"(
    WITH related AS (SELECT $1::oid AS oid UNION SELECT relid FROM pg_partition_tree($1::oid::regclass))
    SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM related) AND tgenabled IN ('A', 'R')
    UNION ALL
    SELECT 'rule ' || rulename FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM related) AND ev_enabled IN ('A', 'R'))";
// The server checks these by triggers that are off here: building them again checks them too.
constexpr const char* kDeferred = R"(
    WITH related AS (SELECT $1::oid AS oid UNION SELECT relid FROM pg_partition_tree($1::oid::regclass))
    SELECT n.nspname, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE i.indrelid IN (SELECT oid FROM related) AND c.relkind = 'i' AND NOT i.indimmediate)";
constexpr const char* kSequences = R"(
    SELECT a.attname, n.nspname, c.relname
    FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid JOIN pg_class c ON c.oid = d.objid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.refobjid = $1::oid AND d.deptype IN ('a', 'i') AND s.seqincrement > 0)";

/// The rows of this machine that take the place of the source's.
struct OwnRows {
    std::vector<std::string> columns;  // quoted
    std::vector<Row> rows;
    std::vector<std::uint64_t> fitting;  // rows a rule
};

/// Of the columns that both sides have; `own` is the table here, `incoming` the source's.
OwnRows read_own(Connection& session, const KeptTable& own, const KeptTable& incoming) {
    OwnRows result;
    for (const Column& column : incoming.columns) {
        if (!column.generated && own.column(column.name) != nullptr) result.columns.push_back(column.quoted);
    }
    for (const Column& column : own.columns) {
        if (incoming.column(column.name) == nullptr)
            base::log_info("kept rows of {} lose their column {}: the source has none",
                           base::escape(own.name), base::escape(column.quoted));
    }
    result.fitting.resize(own.rules.size());
    const auto rows =
        session.query(fmt::format("SELECT {}, {} FROM {} WHERE {}", fmt::join(own.conditions, ", "),
                                  fmt::join(result.columns, ", "), own.from, own.condition()),
                      own.parameters);
    for (const Row& row : rows) {
        const auto values = row.begin() + static_cast<std::ptrdiff_t>(own.rules.size());
        for (std::size_t rule = 0; rule < own.rules.size(); ++rule)
            result.fitting[rule] += row[rule] == "t" ? 1 : 0;
        result.rows.emplace_back(values, row.end());
    }
    return result;
}

/// Values go as the text that the server gave, and become what the columns are there.
void insert(Connection& session, const KeptTable& table, const OwnRows& own) {
    for (const Row& row : own.rows) {
        std::vector<std::string> places;
        std::vector<std::string> parameters;
        for (const auto& value : row) {
            if (value) parameters.push_back(*value);
            places.push_back(value ? fmt::format("${}", parameters.size()) : "NULL");
        }
        session.query(fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})", table.name,
                                  fmt::join(own.columns, ", "), fmt::join(places, ", ")),
                      parameters);
    }
}

/// What a sequence gives next must not be the number of a row that came from here.
void advance_sequences(Connection& session, const KeptTable& table) {
    for (const Row& row : session.query(kSequences, {table.oid})) {
        const std::string sequence =
            session.identifier(row[1].value_or("")) + '.' + session.identifier(row[2].value_or(""));
        auto parameters = table.parameters;
        parameters.push_back(sequence);
        session.query(
            fmt::format("SELECT setval(${}::regclass, own.most) FROM (SELECT max({})::bigint AS most FROM {} "
                        "WHERE {}) own, {} s WHERE own.most > s.last_value",
                        parameters.size(), session.identifier(row[0].value_or("")), table.from,
                        table.condition(), sequence),
            parameters);
    }
}

/// One table in the incoming database, within the transaction.
void replace_rows(Connection& session, const KeptTable& table, const OwnRows& own) try {
    for (const Row& row : session.query(kAlwaysRun, {table.oid})) {
        throw base::Error{base::ErrorKind::unfit,
                          fmt::format("its {} is enabled always: it would run for each row that is kept",
                                      base::escape(row[0].value_or(""))),
                          "Disable it at the source, or take the table out of keep.rows in system.json."};
    }
    session.query(fmt::format("DELETE FROM {} WHERE {}", table.from, table.condition()), table.parameters);
    insert(session, table, own);
    if (!own.rows.empty()) advance_sequences(session, table);
    for (const Row& row : session.query(kDeferred, {table.oid})) {
        session.run(fmt::format("REINDEX INDEX {}.{}", session.identifier(row[0].value_or("")),
                                session.identifier(row[1].value_or(""))));
    }
} catch (const base::Error& error) {
    throw error.on(table.name).on("keep.rows");
}

std::string shown(const system::KeptRows& rule) {
    constexpr std::size_t kValuesShown = 5;
    const auto end =
        rule.values.begin() + static_cast<std::ptrdiff_t>(std::min(kValuesShown, rule.values.size()));
    return fmt::format("{}.{}: {} in ({}{})", rule.database, rule.table, rule.key,
                       fmt::join(rule.values.begin(), end, ", "), end == rule.values.end() ? "" : ", ...");
}

void require_all(const std::vector<system::KeptRows>& rules, const std::vector<KeptTable>& tables) {
    for (const system::KeptRows& rule : rules) {
        const bool found = std::any_of(tables.begin(), tables.end(), [&](const KeptTable& table) {
            return std::find(table.rules.begin(), table.rules.end(), rule) != table.rules.end();
        });
        if (found) continue;
        throw base::Error{base::ErrorKind::unfit,
                          fmt::format("keep.rows: the source has no table {} with a column {} any more",
                                      base::escape(rule.table), base::escape(rule.key))};
    }
}

/// By table of the source, in the same order; one that is missing here, like its whole database, has no rows.
std::vector<OwnRows> read_all_own(const Access& access, const std::vector<KeptTable>& incoming,
                                  base::Cancellation& cancellation) {
    std::vector<OwnRows> all(incoming.size());
    Connection server = connect_beside(access, cancellation);
    if (!find_database(server, access.database->name)) return all;
    Connection session = connect(access, access.database->name, cancellation);
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    for (std::size_t i = 0; i < incoming.size(); ++i) {
        const auto tables = kept_tables(session, incoming[i].rules);
        if (!tables.empty()) all[i] = read_own(session, tables.front(), incoming[i]);
    }
    session.run("COMMIT");
    return all;
}

}  // namespace

std::vector<KeptCount> keep_rows(const Access& access, base::Cancellation& cancellation) try {
    const auto rules = rules_for(access.database->name, access.system->keep_rows);
    if (rules.empty()) return {};
    Connection session = connect(access, names_of(access.database->name).incoming, cancellation);
    session.run("BEGIN READ WRITE");
    // No trigger and no rule of the database may run: they are code of others, and we are a superuser. Nor
    // may what foreign keys do to the rows behind a removed one (CASCADE, SET NULL), when a row of the same
    // key takes its place. So the server takes this for a replica's session, and the keys are checked here.
    session.run("SET LOCAL session_replication_role TO replica");
    const std::vector<KeptTable> tables = kept_tables(session, rules);
    require_all(rules, tables);
    const std::vector<OwnRows> own = read_all_own(access, tables, cancellation);
    std::vector<ForeignKeys> keys;
    keys.reserve(tables.size());
    for (const KeptTable& table : tables) keys.emplace_back(session, table.oid);
    std::vector<KeptCount> counts;
    for (std::size_t i = 0; i < tables.size(); ++i) {
        replace_rows(session, tables[i], own[i]);
        for (std::size_t rule = 0; rule < tables[i].rules.size(); ++rule) {
            counts.push_back({shown(tables[i].rules[rule]), own[i].rows.empty() ? 0 : own[i].fitting[rule]});
        }
    }
    for (ForeignKeys& each : keys) each.require_kept();
    session.run("COMMIT");
    return counts;
} catch (const base::Error& error) {
    throw error.on("database " + access.database->name);
}

}  // namespace ft::database
