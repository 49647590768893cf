#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/losses.h"
#include "model/pair.h"

namespace ft::model {

/// What was tried.
struct Counts {
    std::uint64_t pairs = 0;
    std::uint64_t moments = 0;     ///< at which the power was lost
    std::uint64_t losses = 0;      ///< ways in which that ended
    std::uint64_t recoveries = 0;  ///< of different disks
    std::uint64_t left = 0;        ///< different disks that were left out, beyond Limits::disks
    std::uint64_t ends = 0;        ///< different disks after a recovery; each took a further run, and undoes
};

/// The promise was broken. The message tells how, and ends with the script and the cuts that show it.
class Broken : public std::runtime_error {
    using runtime_error::runtime_error;
};

/// Takes the power away at every operation of everything that changes the host of `pair`: its commit, one
/// that keeps no undo store, one that is refused in the middle, its undo, an undo that is refused, discard,
/// and the next commit; and at every operation of each recovery that follows, of the recovery of that, and so
/// on until no disk is new. After each: exactly the old or exactly the new, nothing left but what is to be
/// kept, and what comes next (undo, another run and its undo) succeeds. Throws Broken.
void explore(const Pair& pair, const Limits& limits, Counts& counts);

/// Shows one way: `script` (a name that Broken told) with the power lost at `cuts`. Throws Broken too.
void follow(const Pair& pair, const Limits& limits, const std::string& script, const std::vector<Cut>& cuts);

}  // namespace ft::model
