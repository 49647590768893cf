#include "ft/staging/names.h"

#include <fmt/format.h>

namespace ft::staging {

std::string slot_name(SlotNumber number) { return std::to_string(static_cast<std::uint64_t>(number)); }

std::string slot_path(SlotNumber number) {
    return fmt::format("{}/{}/{}", kReservedDirectory, kSlots, static_cast<std::uint64_t>(number));
}

}  // namespace ft::staging
