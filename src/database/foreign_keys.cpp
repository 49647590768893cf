#include "database/foreign_keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::database {
namespace {

// Those that the server made for single partitions say nothing of their own.
constexpr const char* kKeys = R"(
    WITH root AS (SELECT coalesce(pg_partition_root($1::oid::regclass), $1::oid::regclass) AS oid),
         related AS (SELECT oid FROM root UNION SELECT relid FROM root, pg_partition_tree(root.oid))
    SELECT k.oid, k.conname, k.convalidated, k.confmatchtype, f.relkind, fn.nspname, f.relname,
           p.relkind, pn.nspname, p.relname
    FROM pg_constraint k
    JOIN pg_class f ON f.oid = k.conrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
    JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
    WHERE k.contype = 'f' AND k.conparentid = 0
      AND (k.conrelid IN (SELECT oid FROM related) OR k.confrelid IN (SELECT oid FROM related))
    ORDER BY k.oid)";
constexpr const char* kPairs = R"(
    SELECT fa.attname, pa.attname, n.nspname, o.oprname
    FROM pg_constraint k,
         unnest(k.conkey, k.confkey, k.conpfeqop) WITH ORDINALITY c(referring, referred, operator, position)
    JOIN pg_operator o ON o.oid = c.operator JOIN pg_namespace n ON n.oid = o.oprnamespace,
    pg_attribute fa, pg_attribute pa
    WHERE k.oid = $1::oid AND fa.attrelid = k.conrelid AND fa.attnum = c.referring
      AND pa.attrelid = k.confrelid AND pa.attnum = c.referred
    ORDER BY c.position)";

std::string from_clause(Connection& session, const Row& row, std::size_t at) {
    return fmt::format("{}{}.{}", row[at] == "p" ? "" : "ONLY ", session.identifier(row[at + 1].value_or("")),
                       session.identifier(row[at + 2].value_or("")));
}

std::string shown(const Row& row, std::size_t at) {
    return base::escape(row[at + 1].value_or("") + '.' + row[at + 2].value_or(""));
}

}  // namespace

ForeignKeys::ForeignKeys(Connection& session, const std::string& table) : session_{session} {
    for (const Row& row : session_.query(kKeys, {table})) keys_.push_back(read(row));
}

ForeignKeys::Key ForeignKeys::read(const Row& row) {
    std::vector<std::string> set;
    std::vector<std::string> equal;
    for (const Row& pair : session_.query(kPairs, {row[0].value_or("")})) {
        const std::string referring = session_.identifier(pair[0].value_or(""));
        set.push_back(fmt::format("f.{} IS NOT NULL", referring));
        equal.push_back(fmt::format("p.{} OPERATOR({}.{}) f.{}", session_.identifier(pair[1].value_or("")),
                                    session_.identifier(pair[2].value_or("")), pair[3].value_or(""),
                                    referring));
    }
    const bool full = row[3] == "f";  // MATCH FULL: a row that is null in part is wrong already
    Key key{base::escape(row[1].value_or("")), shown(row, 4), shown(row, 7), {}, 0};
    key.dangling =
        fmt::format("SELECT count(*) FROM {} f WHERE ({}) AND NOT EXISTS (SELECT FROM {} p WHERE {})",
                    from_clause(session_, row, 4), fmt::join(set, full ? " OR " : " AND "),
                    from_clause(session_, row, 7), fmt::join(equal, " AND "));
    if (row[2] != "t") key.before = count(key);  // NOT VALID: it may be broken from the start
    return key;
}

std::uint64_t ForeignKeys::count(const Key& key) {
    const std::string text = session_.value(key.dangling);
    std::uint64_t rows = 0;
    std::from_chars(text.data(), text.data() + text.size(), rows);
    return rows;
}

void ForeignKeys::require_kept() {
    for (const Key& key : keys_) {
        const std::uint64_t rows = count(key);
        if (rows <= key.before) continue;
        throw base::Error{
            base::ErrorKind::unfit,
            fmt::format("keep.rows: {} rows of {} would refer to rows that {} does not have "
                        "(foreign key {})",
                        rows - key.before, key.from, key.to, key.name),
            "Change keep.rows in system.json so that what its rows refer to, and what refers to "
            "them, is on both servers."};
    }
}

}  // namespace ft::database
