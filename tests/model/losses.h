#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/memory_disk.h"

namespace ft::model {

/// How many of the ways in which a loss of power can end are tried.
struct Limits {
    std::size_t whole = 64;   ///< up to so many: all of them
    std::size_t drawn = 8;    ///< beyond: so many drawn ones, besides those that differ by one change
    std::size_t disks = 300;  ///< of one script: so many different ones are recovered, beyond that drawn ones
    std::uint64_t seed = 1;
};

/// The power goes at a moment: its number in the action (from 0), and what becomes of each pending change.
struct Cut {
    std::size_t moment = 0;
    std::vector<test::Fate> fates;
};
/// "12:lkh": of the third pending change the first half. l lost, k kept, h half, s size, t
/// tail.
std::string text_of(const std::vector<Cut>& cuts);
/// std::invalid_argument when it is none.
std::vector<Cut> cuts_of(std::string_view text);

/// The ways in which a loss of power at `moments[at]` can end: all, or beyond limits.whole: all lost, all
/// kept, each change alone kept, lost or torn, and drawn ones. Ways that are those of the moment before are
/// left out.
std::vector<std::vector<test::Fate>> losses(const std::vector<test::DiskMoment>& moments, std::size_t at,
                                            const Limits& limits);

}  // namespace ft::model
