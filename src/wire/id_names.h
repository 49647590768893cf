#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ft/wire/reader.h"
#include "ft/wire/writer.h"

namespace ft::wire {

/// A uid or gid, 0 to 2^32-2.
std::uint32_t read_id(Reader& in);
/// 1 to 255 bytes without control characters, ':' and '/'.
std::string read_id_name(Reader& in);
void write_id_name(Writer& out, std::string_view name);

}  // namespace ft::wire
