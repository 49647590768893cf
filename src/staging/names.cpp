#include "ft/staging/names.h"

#include <fmt/format.h>

#include <charconv>

namespace ft::staging {

std::string generation_name(Generation generation) {
    return std::to_string(static_cast<std::uint64_t>(generation));
}

std::optional<Generation> generation_of(std::string_view name) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    const Generation generation{number};
    if (error != std::errc{} || number == 0 || generation_name(generation) != name) return std::nullopt;
    return generation;
}

std::string generation_path(Generation generation) {
    return fmt::format("{}/{}", kReservedDirectory, generation_name(generation));
}

std::string slot_name(SlotNumber number) { return std::to_string(static_cast<std::uint64_t>(number)); }

std::string slot_path(Generation generation, SlotNumber number) {
    return fmt::format("{}/{}", generation_path(generation), slot_name(number));
}

}  // namespace ft::staging
