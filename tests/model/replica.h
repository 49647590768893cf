#pragma once

#include <map>
#include <string>
#include <string_view>

#include "ft/os/file.h"
#include "ft/staging/staging.h"
#include "support/memory_disk.h"

namespace ft::model {

/// An object of a tree. Names of one hard-link group have the first of them as `group`; others have none.
struct Member {
    test::TreeObject object;
    std::string group{};
    bool operator==(const Member&) const = default;
};
/// Path from the root of a tree ("." itself included) -> object.
using Replica = std::map<std::string, Member>;

/// The tree at `root`, without what ft keeps there.
Replica read_replica(const os::Directory& root);
/// Makes exactly `replica` at `root`, durable.
void write_replica(os::Directory& root, const Replica& replica);
/// Every object below `root` with its inode; below the reserved directory without attributes.
std::string describe(const os::Directory& root);
/// One line an object, for messages.
std::string show(const Replica& replica);

/// What a feeder does: everything by which `wanted` differs from `old`, into `staging`.
void stage(staging::Staging& staging, const Replica& old, const Replica& wanted);

}  // namespace ft::model
