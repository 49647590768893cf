#pragma once

#include <string_view>

namespace ft::system {

/// Whether production goes on at the source while a run fetches (rehearsal) or is stopped (final).
enum class Phase { rehearsal, final_run };

/// "rehearsal", "final": as FT_PHASE and reports say it.
std::string_view name_of(Phase phase);

}  // namespace ft::system
