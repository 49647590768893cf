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
    std::string path;            ///< absolute, bytes
    std::uint64_t inode = 0;     ///< of the root
    std::uint64_t reserved = 0;  ///< of the reserved directory in it
    staging::Generation generation{0};  ///< that holds its slots
};

/// One change of a live tree.
struct Operation {
    std::size_t tree = 0;  ///< position in OrderedPlan::trees
    staging::Change change;
};

/// What a run changes, in the order in which it is applied: swaps, the host name, then operations; of
/// these, attributes last.
struct OrderedPlan {
    std::string run_id;
    std::vector<TreeRoot> trees;
    std::vector<DatabaseSwap> swaps;
    std::vector<Operation> operations;
    std::optional<HostName> host_name{};
};

/// Brings a plan into order and completes it by the attributes of every live directory in which a name
/// changes. No operation depends on another: what lies below a removed or replaced object has none of its
/// own. Errors: io.
OrderedPlan order(os::Machine& machine, const Plan& plan);

}  // namespace ft::commit
