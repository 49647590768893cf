#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "database/kept_rows.h"
#include "database/server.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/database/database.h"

// What would clash with the rows that the destination keeps: the source's answer, and what follows from it.

namespace ft::database {
namespace {

constexpr std::uint64_t kMostRows = 100'000;  // of a table
// Of all tables together: the manifest is one line of the control channel, which has its limits.
constexpr std::uint64_t kMostValues = 250'000;
constexpr std::uint64_t kMostBytes = 2 << 20;  // escaped, four times as many
constexpr std::uint64_t kLongestValue = 16 * 1024;
constexpr std::size_t kClashesNamed = 5;

std::uint64_t number_of(const std::optional<std::string>& text) {
    std::uint64_t number = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), number);
    return number;
}

std::vector<std::string> texts_of(const UniqueIndex& index) {
    std::vector<std::string> texts;
    for (const Column& column : index.columns) texts.push_back(column.text);
    return texts;
}

std::vector<std::string> names_of(const UniqueIndex& index) {
    std::vector<std::string> names;
    for (const Column& column : index.columns) names.push_back(column.name);
    return names;
}

/// The values of `index` in the rows that `condition` names, without those that hold a null.
std::string select_values(const KeptTable& table, const UniqueIndex& index, const std::string& condition) {
    std::vector<std::string> set;
    for (const Column& column : index.columns) set.push_back(fmt::format("({}) IS NOT NULL", column.text));
    return fmt::format("SELECT {} FROM {} WHERE {} AND {}", fmt::join(texts_of(index), ", "), table.from,
                       condition, fmt::join(set, " AND "));
}

std::vector<std::string> values_of(const Row& row) {
    std::vector<std::string> values;
    for (const auto& value : row) values.push_back(value.value_or(""));
    return values;
}

/// Rows that stay cannot have the key of those that give way: no index that holds the only rule's key can
/// clash.
bool is_settled_by_key(const KeptTable& table, const UniqueIndex& index) {
    return table.rules.size() == 1 &&
           std::any_of(index.columns.begin(), index.columns.end(),
                       [&](const Column& column) { return column.name == table.rules.front().key; });
}

/// Reads what other rows have, as long as there is room for it in the answer.
class Answer {
public:
    explicit Answer(Connection& session) : session_{session} {}

    std::vector<system::UniqueKey> unique_keys(const KeptTable& table) {
        std::vector<system::UniqueKey> keys;
        for (const UniqueIndex& index : unique_indexes(session_, table)) {
            if (is_settled_by_key(table, index)) continue;
            const std::string select = select_values(table, index, fmt::format("NOT {}", table.condition()));
            if (!has_room(table, index, select)) continue;
            system::UniqueKey key{names_of(index), {}};
            for (const Row& row : session_.query(select, table.parameters))
                key.taken.push_back(values_of(row));
            keys.push_back(std::move(key));
        }
        return keys;
    }

private:
    bool has_room(const KeptTable& table, const UniqueIndex& index, const std::string& select) {
        std::vector<std::string> names;
        std::vector<std::string> lengths;
        for (std::size_t i = 0; i < index.columns.size(); ++i) {
            names.push_back(fmt::format("v{}", i));
            lengths.push_back(fmt::format("octet_length(v{})", i));
        }
        const Row sums =
            session_
                .query(fmt::format("SELECT count(*), coalesce(sum({0}), 0), coalesce(max({0}), 0) FROM ({1} "
                                   "LIMIT {2}) AS taken({3})",
                                   fmt::join(lengths, " + "), select, kMostRows + 1, fmt::join(names, ", ")),
                       table.parameters)
                .at(0);
        const std::uint64_t rows = number_of(sums[0]);
        const std::uint64_t values = rows * (index.columns.size() + 1);
        const std::uint64_t bytes = number_of(sums[1]);
        if (rows > kMostRows || values > kMostValues - values_ || bytes > kMostBytes - bytes_ ||
            number_of(sums[2]) > kLongestValue) {
            return false;
        }
        values_ += values;
        bytes_ += bytes;
        return true;
    }

    Connection& session_;
    std::uint64_t values_ = 0;
    std::uint64_t bytes_ = 0;
};

const system::KeptTable* answer_to(const system::KeptRows& rule, const system::DatabaseFacts& facts) {
    const auto found = std::find_if(facts.kept.begin(), facts.kept.end(), [&](const auto& table) {
        return table.table == rule.table && table.key == rule.key;
    });
    return found == facts.kept.end() ? nullptr : &*found;
}

std::string shown_pair(const std::vector<std::string>& columns, const std::vector<std::string>& values) {
    return base::escape(fmt::format("({}) = ({})", fmt::join(columns, ", "), fmt::join(values, ", ")));
}

/// The kept rows of `table` whose values of `key` another row of the source has.
void find_clashes(Connection& session, const KeptTable& table, const system::KeptRows& rule,
                  const system::UniqueKey& key, std::vector<std::string>& findings) {
    UniqueIndex index;
    for (const std::string& name : key.columns) {
        const Column* const column = table.column(name);
        if (column == nullptr) return;  // own rows get the source's default there
        index.columns.push_back(*column);
    }
    if (index.columns.empty()) return;
    const std::set<std::vector<std::string>> taken{key.taken.begin(), key.taken.end()};
    std::size_t clashes = 0;
    for (const Row& row : session.query(select_values(table, index, table.condition()), table.parameters)) {
        const std::vector<std::string> values = values_of(row);
        if (!taken.contains(values) || ++clashes > kClashesNamed) continue;
        findings.push_back(fmt::format(
            "keep.rows: table {}: a row that is kept has {}, and so has another row of the source",
            base::escape(rule.table), shown_pair(key.columns, values)));
    }
    if (clashes > kClashesNamed) {
        findings.push_back(fmt::format("keep.rows: table {}: and {} more", base::escape(rule.table),
                                       clashes - kClashesNamed));
    }
}

}  // namespace

std::vector<system::KeptTable> kept_facts(const Access& access, const std::vector<system::KeptRows>& rules,
                                          base::Cancellation& cancellation) try {
    const auto ours = rules_for(access.database->name, rules);
    if (ours.empty()) return {};
    Connection session = connect(access, access.database->name, cancellation);
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    Answer answer{session};
    std::vector<system::KeptTable> facts;
    for (const KeptTable& table : kept_tables(session, ours)) {
        // Once a table: each of its rows may be kept by any of its rules.
        auto unique = answer.unique_keys(table);
        for (const system::KeptRows& rule : table.rules) {
            facts.push_back({rule.table, rule.key, std::exchange(unique, {})});
        }
    }
    session.run("COMMIT");
    return facts;
} catch (const base::Error& error) {
    throw error.on("database " + access.database->name);
}

void find_kept_rows(const Access& access, const system::DatabaseFacts& facts, Connection& server,
                    base::Cancellation& cancellation, std::vector<std::string>& findings) {
    const auto rules = rules_for(access.database->name, access.system->keep_rows);
    for (const system::KeptRows& rule : rules) {
        if (answer_to(rule, facts) != nullptr) continue;
        findings.push_back(fmt::format("keep.rows: the source has no table {} with a column {}",
                                       base::escape(rule.table), base::escape(rule.key)));
    }
    if (rules.empty() || !find_database(server, access.database->name)) return;
    Connection session = connect(access, access.database->name, cancellation);
    session.run("BEGIN READ ONLY");
    for (const KeptTable& table : kept_tables(session, rules)) {
        for (const system::KeptRows& rule : table.rules) {
            const system::KeptTable* const answer = answer_to(rule, facts);
            if (answer == nullptr) continue;
            for (const system::UniqueKey& key : answer->unique)
                find_clashes(session, table, rule, key, findings);
        }
    }
    session.run("COMMIT");
}

}  // namespace ft::database
