#pragma once

#include <string>

#include "database/connection.h"

namespace ft::database {

/// "SET name TO value" for ALTER ROLE and ALTER DATABASE, from a setting as the catalogue keeps it.
std::string set_clause(const Connection& session, const std::string& name, const std::string& value);

}  // namespace ft::database
