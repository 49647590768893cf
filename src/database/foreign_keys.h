#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "database/connection.h"

namespace ft::database {

/// The foreign keys from and to a table and its partitions, watched while rows are changed with the server's
/// own checks off.
class ForeignKeys {
public:
    /// What they hold now; `table` is an oid.
    ForeignKeys(Connection& session, const std::string& table);
    /// Error unfit, naming the tables, when more rows than before refer to nothing.
    void require_kept();

private:
    struct Key {
        std::string name;
        std::string from;      // for messages
        std::string to;        // for messages
        std::string dangling;  // a query: how many rows refer to nothing
        std::uint64_t before = 0;
    };
    Key read(const Row& row);
    std::uint64_t count(const Key& key);

    Connection& session_;
    std::vector<Key> keys_;
};

}  // namespace ft::database
