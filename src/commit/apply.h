#pragma once

#include <memory>
#include <string>
#include <vector>

#include "commit/plan.h"

namespace ft::commit {

/// The live trees of a plan, open to be changed: the only place in ft that changes them. Every change names
/// its object by a held descriptor of its directory, and looks afterwards whether it moved what it meant to.
class LiveTrees {
public:
    /// Error io or unfit when a root is missing or is another directory than the plan's.
    LiveTrees(os::Machine& machine, const std::vector<TreeRoot>& trees);

    /// Nothing to do when it is applied already. An Error of any kind: it cannot be applied to what is there.
    void apply(const Operation& operation);
    /// Nothing to do when it is not applied. What somebody else put in its way meanwhile gives way, and is
    /// named in the log.
    void reverse(const Operation& operation);
    /// Makes all that was changed durable.
    void sync();

private:
    struct Tree {
        std::string path;  // escaped
        std::unique_ptr<os::Directory> root;
        std::unique_ptr<os::Directory> slots;
    };
    struct Target;
    Target target(const Operation& operation);
    bool is_applied(const Operation& operation) const;

    std::vector<Tree> trees_;
    // Operations come directory by directory.
    std::size_t held_tree_ = 0;
    std::string held_path_;
    std::unique_ptr<os::Directory> held_;
};

}  // namespace ft::commit
