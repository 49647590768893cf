#pragma once

#include <string_view>

namespace ft::system {

/// Whether production goes on at the source while a run fetches (rehearsal) or is stopped (final).
enum class Phase { rehearsal, final_run };

/// Of a run whose source says that production is `live`.
inline Phase phase_of(bool live) { return live ? Phase::rehearsal : Phase::final_run; }

/// "rehearsal", "final": as FT_PHASE and reports say it.
std::string_view name_of(Phase phase);

}  // namespace ft::system
