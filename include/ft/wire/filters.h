#pragma once

#include <string>
#include <vector>

#include "ft/wire/reader.h"
#include "ft/wire/writer.h"

namespace ft::wire {

/// A client's filter list: rules as texts, not understood here. Error peer: a rule of 0 or above 4096 bytes,
/// more than 10 000 rules or 1 MiB in all.
std::vector<std::string> read_filters(Reader& in);
void write_filters(Writer& out, const std::vector<std::string>& rules);

}  // namespace ft::wire
