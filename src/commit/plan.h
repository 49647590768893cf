#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ft/commit/commit.h"

namespace ft::commit {

/// A tree of a plan. The inodes tell it from an empty mount point, whatever its device is called today.
struct TreeRoot {
    std::string path;                   ///< absolute, bytes
    std::uint64_t inode = 0;            ///< of the root
    std::uint64_t reserved = 0;         ///< of the reserved directory in it
    staging::Generation generation{0};  ///< that holds its slots
    std::vector<std::string> made{};    ///< TreeChanges::made
};

using staging::Move;  // their `tree`: position in OrderedPlan::trees
using staging::Setting;

/// What a run changes, in the order in which it is applied.
struct OrderedPlan {
    std::string run_id{};
    bool keep_undo = true;
    std::vector<TreeRoot> trees{};
    std::vector<DatabaseSwap> swaps{};
    std::optional<HostName> host_name{};
    staging::Moves moves{};
    staging::Settings settings{};         ///< last: each name that changes moves the time of its directory
    staging::ExtendedChanges extended{};  ///< of all settings
};

/// Brings a plan into order and completes it by the attributes of every live directory in which a name
/// changes. What lies below a removed or replaced object has no operation of its own. Errors: io.
OrderedPlan order(os::Machine& machine, Plan plan);

}  // namespace ft::commit
