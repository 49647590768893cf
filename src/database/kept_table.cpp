#include "database/kept_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace ft::database {
namespace {

constexpr const char* kTable = R"(
    SELECT c.oid, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')
      AND NOT starts_with(n.nspname, 'pg_') AND n.nspname <> 'information_schema')";
// Casts to text from types of PostgreSQL's own are its own; others may run what a user wrote.
constexpr const char* kColumns = R"(
    SELECT a.attname, t.typnamespace = 'pg_catalog'::regnamespace, a.attgenerated <> ''
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)";
constexpr const char* kUniqueIndexes = R"(
    SELECT i.indexrelid, a.attname
    FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(attnum, position)
    JOIN pg_attribute a ON a.attnum = k.attnum
    WHERE i.indrelid = $1::oid AND a.attrelid = i.indrelid AND k.position <= i.indnkeyatts
      AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    ORDER BY i.indexrelid, k.position)";

/// Of a table as a rule names it: schema, name.
std::vector<std::string> parts_of(const std::string& table) {
    const std::size_t dot = table.find('.');
    if (dot == std::string::npos) return {"public", table};
    return {table.substr(0, dot), table.substr(dot + 1)};
}

/// {"a","b"}: what the server reads as an array of texts.
std::string array_of(const std::vector<std::string>& values) {
    std::string text = "{";
    for (const std::string& value : values) {
        text += text.size() == 1 ? "\"" : ",\"";
        for (const char c : value) {
            if (c == '"' || c == '\\') text += '\\';
            text += c;
        }
        text += '"';
    }
    return text + '}';
}

std::vector<Column> columns_of(Connection& session, const std::string& oid) {
    std::vector<Column> columns;
    for (const Row& row : session.query(kColumns, {oid})) {
        Column column;
        column.name = row[0].value_or("");
        column.quoted = session.identifier(column.name);
        column.text = row[1] == "t" ? fmt::format("{}::text", column.quoted)
                                    : fmt::format("CASE WHEN num_nulls({0}) = 0 THEN format('%s', {0}) END",
                                                  column.quoted);
        column.generated = row[2] == "t";
        columns.push_back(std::move(column));
    }
    return columns;
}

std::optional<KeptTable> find_table(Connection& session, const std::string& named) {
    const std::vector<std::string> parts = parts_of(named);
    const auto rows = session.query(kTable, parts);
    if (rows.empty()) return std::nullopt;
    KeptTable table;
    table.oid = rows.front()[0].value_or("");
    table.name = session.identifier(parts[0]) + '.' + session.identifier(parts[1]);
    table.from = rows.front()[1] == "p" ? table.name : "ONLY " + table.name;
    table.columns = columns_of(session, table.oid);
    return table;
}

}  // namespace

const Column* KeptTable::column(const std::string& column_name) const {
    const auto found = std::find_if(columns.begin(), columns.end(),
                                    [&](const Column& column) { return column.name == column_name; });
    return found == columns.end() ? nullptr : &*found;
}

std::string KeptTable::condition() const { return fmt::format("({})", fmt::join(conditions, " OR ")); }

std::vector<KeptTable> kept_tables(Connection& session, const std::vector<system::KeptRows>& rules) {
    std::vector<KeptTable> tables;
    for (const system::KeptRows& rule : rules) {
        auto found = find_table(session, rule.table);
        if (!found || found->column(rule.key) == nullptr) continue;
        auto table = std::find_if(tables.begin(), tables.end(),
                                  [&](const KeptTable& known) { return known.oid == found->oid; });
        if (table == tables.end()) table = tables.insert(tables.end(), std::move(*found));
        table->rules.push_back(rule);
        table->parameters.push_back(array_of(rule.values));
        table->conditions.push_back(fmt::format("coalesce(({}) COLLATE \"C\" = ANY (${}::text[]), false)",
                                                table->column(rule.key)->text, table->parameters.size()));
    }
    return tables;
}

std::vector<UniqueIndex> unique_indexes(Connection& session, const KeptTable& table) {
    std::map<std::string, UniqueIndex> indexes;
    for (const Row& row : session.query(kUniqueIndexes, {table.oid})) {
        const Column* const column = table.column(row[1].value_or(""));
        if (column != nullptr) indexes[row[0].value_or("")].columns.push_back(*column);
    }
    std::vector<UniqueIndex> result;
    result.reserve(indexes.size());
    for (auto& [oid, index] : indexes) result.push_back(std::move(index));
    return result;
}

std::vector<system::KeptRows> rules_for(const std::string& database,
                                        const std::vector<system::KeptRows>& all) {
    std::vector<system::KeptRows> rules;
    for (const system::KeptRows& rule : all) {
        if (rule.database == database) rules.push_back(rule);
    }
    return rules;
}

}  // namespace ft::database
