#pragma once

#include <string>
#include <vector>

#include "database/connection.h"
#include "database/kept_table.h"
#include "ft/database/database.h"

namespace ft::database {

/// Findings about the rows that this side keeps: tables and columns that the source does not have, unique
/// keys that clash with its other rows. A database or table that is missing here has no rows to keep.
void find_kept_rows(const Access& access, const system::DatabaseFacts& facts, Connection& server,
                    base::Cancellation& cancellation, std::vector<std::string>& findings);

}  // namespace ft::database
