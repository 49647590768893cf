#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ft::staging {

/// The reserved directory at a tree's root (root's, mode 0700): never listed, served, changed or removed by a
/// sync.
inline constexpr std::string_view kReservedDirectory = ".ft-staging";
/// In a generation, an empty file: its commit was rolled back, perhaps because a sync failed. The system may
/// have lost what it still shows, so its files are bases and are not adopted.
inline constexpr std::string_view kUnproved = "unproved";

/// One staging of a tree: what one pull of one run put there, in a directory of its own in the reserved
/// directory. Numbers only grow as long as anything is there. 0 is none.
enum class Generation : std::uint64_t {};
/// Number of a slot within its generation: a name for an object that waits, or that was replaced. 0 is none.
enum class SlotNumber : std::uint64_t {};

/// Name of a generation in the reserved directory: "3".
std::string generation_name(Generation generation);
/// The generation of that name; nothing when it is no name that generation_name gives.
std::optional<Generation> generation_of(std::string_view name);
/// Path of a generation from the tree's root: ".ft-staging/3".
std::string generation_path(Generation generation);
/// Name of a slot in its generation: "17".
std::string slot_name(SlotNumber number);
/// Path of a slot from the tree's root: ".ft-staging/3/17".
std::string slot_path(Generation generation, SlotNumber number);

}  // namespace ft::staging
