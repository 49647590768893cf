#pragma once

#include <string_view>

namespace ft::system {

/// What a run is: with production going on at the source, or with production stopped there.
enum class Phase { rehearsal, final_run };

/// "rehearsal", "final": for people, reports, and programs of the admin (FT_PHASE).
constexpr std::string_view name_of(Phase phase) { return phase == Phase::rehearsal ? "rehearsal" : "final"; }

inline constexpr const char* kPhaseVariable = "FT_PHASE";

}  // namespace ft::system
