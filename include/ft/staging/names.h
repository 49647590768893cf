#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ft::staging {

/// The reserved directory at a tree's root (root's, mode 0700): never listed, served, changed or removed by a
/// sync.
inline constexpr std::string_view kReservedDirectory = ".ft-staging";
/// In it, the directory of the slots: one name an object that waits or that was replaced.
inline constexpr std::string_view kSlots = "slots";
/// In it, the slots of an earlier pull of the same run, while files are adopted from there.
inline constexpr std::string_view kEarlierSlots = "earlier";

/// Number of a slot within a tree's staging; 0 is none.
enum class SlotNumber : std::uint64_t {};

/// Name of a slot in the directory of the slots: "17".
std::string slot_name(SlotNumber number);
/// Path of a slot from the tree's root: ".ft-staging/slots/17".
std::string slot_path(SlotNumber number);

}  // namespace ft::staging
