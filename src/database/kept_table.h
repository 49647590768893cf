#pragma once

#include <optional>
#include <string>
#include <vector>

#include "database/connection.h"
#include "ft/system/description.h"

namespace ft::database {

/// A column of a table, ready for statements.
struct Column {
    std::string name;
    std::string quoted;
    /// Its value as text. Never by a cast that a user of the database may have made: we are a superuser.
    std::string text;
    bool generated = false;  ///< nobody but the server writes it
};

/// A unique index over columns, without conditions.
struct UniqueIndex {
    std::vector<Column> columns;
};

/// A table of a session's database of which rows are kept, with all rules that name it.
struct KeptTable {
    std::string oid;
    std::string name;  ///< as a statement says it: "public"."users"
    std::string from;  ///< the same for FROM: no tables that inherit from it, but its partitions
    std::vector<Column> columns;
    std::vector<system::KeptRows> rules;
    std::vector<std::string> conditions;  ///< one a rule, never null: the row's key is among its values
    std::vector<std::string> parameters;  ///< $1, $2, ... of the conditions

    const Column* column(const std::string& column_name) const;
    std::string condition() const;  ///< one of the rules fits
};

/// The tables that `rules` name, as this database has them; a rule whose table (or key column) it does not
/// have is in none. The names may be a peer's: they are only looked up.
std::vector<KeptTable> kept_tables(Connection& session, const std::vector<system::KeptRows>& rules);

/// The unique indexes of `table`, the primary key too, whose columns must be unequal in any two rows.
std::vector<UniqueIndex> unique_indexes(Connection& session, const KeptTable& table);

/// The rules of `all` that are for `database`.
std::vector<system::KeptRows> rules_for(const std::string& database,
                                        const std::vector<system::KeptRows>& all);

}  // namespace ft::database
