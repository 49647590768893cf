#pragma once

#include <vector>

#include "ft/staging/staging.h"
#include "ft/tree/listing.h"
#include "ft/tree/rules.h"

namespace ft::rsync {

/// For each ground of `staging`, wanted objects whose extended attributes show whether it takes all that are
/// wanted there: of each type of object one for every namespace (of security: every name), and the one that
/// has most.
std::vector<std::vector<staging::ExtendedSample>> samples_of(const tree::Listing& wanted,
                                                             const tree::Rules& rules,
                                                             const staging::Staging& staging);

}  // namespace ft::rsync
