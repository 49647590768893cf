#include "ft/system/phase.h"

namespace ft::system {

std::string_view name_of(Phase phase) { return phase == Phase::rehearsal ? "rehearsal" : "final"; }

}  // namespace ft::system
