#pragma once

#include <string_view>

namespace ft::base {

/// The state of this machine at the end of a run, derived from the journal and from nothing else.
enum class Outcome { unchanged, committed, rolled_back, undone, recovery_needed };

/// "unchanged", "committed", "rolled_back", "undone", "recovery_needed": for JSON and reports.
std::string_view name_of(Outcome outcome);

}  // namespace ft::base
