#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "commit/plan.h"

namespace ft::commit {

// Records of the journal as JSON (docs/journal.md, "Records"). Texts from elsewhere are escaped in them.
// The readers throw base::Error or an exception of nlohmann's when a record is not what it says it is.

/// What the head of a journal says.
struct Header {
    OrderedPlan plan;            ///< run, trees and host name
    std::size_t swaps = 0;       ///< records that follow
    std::size_t operations = 0;  ///< and then these
};

/// The head of the journal of a plan.
nlohmann::ordered_json to_json(const OrderedPlan& plan);
nlohmann::ordered_json to_json(const DatabaseSwap& swap);
nlohmann::ordered_json to_json(const Operation& operation);
Header read_header(const nlohmann::ordered_json& record);
DatabaseSwap read_swap(const nlohmann::ordered_json& record);
/// `trees`: how many the header has.
Operation read_operation(const nlohmann::ordered_json& record, std::size_t trees);

/// A line of the journal: checksum of the JSON text, space, JSON text, newline.
std::string to_line(const nlohmann::ordered_json& record);
/// The record of a line without its newline; nothing when the line is damaged.
std::optional<nlohmann::ordered_json> from_line(std::string_view line);

}  // namespace ft::commit
