#pragma once

#include <string>
#include <vector>

#include "database/connection.h"
#include "ft/system/manifest.h"

namespace ft::database {

/// Of `facts`, the roles that do not exist on `server`; their order stays.
std::vector<system::Role> missing_roles(Connection& server, const system::DatabaseFacts& facts);

/// Makes all of them as they are at the source, or none: one transaction. Roles that exist keep what they
/// are.
void create_roles(Connection& server, const std::vector<system::Role>& roles);

/// Drops role `name` if it exists. False when something still depends on it.
bool drop_role(Connection& server, const std::string& name);

/// Gives database `name` the access rights of `facts`; its roles exist.
void grant_access(Connection& server, const std::string& name, const system::DatabaseFacts& facts);

}  // namespace ft::database
