#pragma once

#include <string>
#include <vector>

#include "database/connection.h"

namespace ft::database {

/// An installed program of PostgreSQL.
struct Tool {
    std::string program;
    int version = 0;  ///< as libpq's numbers: 150020
};

/// `name` ("pg_dump") of major version `major`, or else the newest that is installed. Error unfit when there
/// is none.
Tool find_tool(os::Machine& machine, const std::string& name, int major, base::Cancellation& cancellation);

/// Why `tool` must not be used for dumping or restoring: known faults of its version. Empty: nothing.
std::string tool_fault(const std::string& name, const Tool& tool);

/// Runs `tool` in `directory` as `os_user`, connected by `keywords`. Error database with its words when it
/// fails.
void run_tool(os::Machine& machine, const Tool& tool, std::vector<std::string> arguments, Keywords keywords,
              const std::string& os_user, const os::Directory& directory, base::Cancellation& cancellation);

}  // namespace ft::database
