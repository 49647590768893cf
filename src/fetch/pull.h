#pragma once

#include <functional>
#include <string>

#include "ft/rsync/pull.h"
#include "ft/system/manifest.h"

namespace ft::fetch {

// What the pulls of trees and of the backup have in common.

/// Called once all is compared; returns when the pull may go on. Its argument shows the source that this side
/// lives, to be called from time to time.
using Compared = std::function<void(const std::function<void()>&)>;

/// What one more pull of a module brought: counts of what was done add up in `sum`, the rest is that of the
/// last.
void add(rsync::Pulled pulled, rsync::Pulled& sum);

/// Whose content a module's is, for what is staged; empty when the source does not say which machine it is.
std::string origin_of(const system::Manifest& manifest, const std::string& module);

}  // namespace ft::fetch
