#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "commit/plan.h"

namespace ft::commit {

// Records of the journal as JSON texts (docs/journal.md, "Records"). Names from elsewhere are escaped in
// them. The readers throw Error recovery ("it ...") when a record is not what it says it is.

/// What the head of a journal says.
struct Header {
    OrderedPlan plan;            ///< without swaps and operations
    std::size_t swaps = 0;       ///< records that follow
    std::size_t operations = 0;  ///< and then these
};

std::string header_text(const OrderedPlan& plan);
std::string text_of(const DatabaseSwap& swap);
/// An operation; `text` is replaced.
void write(std::string& text, const Move& move);
void write(std::string& text, const Setting& setting, const staging::ExtendedChanges& extended);

Header read_header(std::string_view text);
DatabaseSwap read_swap(std::string_view text);
/// Appends an operation to those of `plan`, which has its trees.
void read_operation(std::string_view text, OrderedPlan& plan);

/// A record that begins a phase.
struct Decision {
    std::string name;
    std::string run_id;
};
/// A record of `discarded`: a tree's reserved directory is removed next, whose root has this time until then;
/// without a time: it was, and the root has it again. `unmade`: the directories that its run made for it were
/// removed too, where they were empty, and are others' from then on.
struct Freeing {
    std::size_t tree = 0;
    std::optional<base::Timestamp> time{};
    bool unmade = false;
};
std::string text_of(const Freeing& freeing);
/// Nothing when it is another record.
std::optional<Freeing> read_freeing(std::string_view text, const OrderedPlan& plan);

std::string decision_text(const Decision& decision, std::string_view reason);
Decision read_decision(std::string_view text);

}  // namespace ft::commit
