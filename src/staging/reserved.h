#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ft/os/file.h"
#include "ft/staging/names.h"

namespace ft::staging {

/// What of a reserved directory a new staging of `origin` goes on from.
struct Sifted {
    std::vector<Generation> earlier;  ///< of the same origin, the oldest first
    Generation last{0};               ///< the highest number that is in use
};

/// Removes everything but the generations `kept` and those of `origin` (none, when it is empty).
Sifted sift(os::Directory& reserved, const std::vector<Generation>& kept, const std::string& origin);

}  // namespace ft::staging
