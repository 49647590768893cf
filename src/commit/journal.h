#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "commit/plan.h"
#include "ft/os/file.h"

namespace ft::commit {

/// What the journal says of its run; each but the first is a record that was appended and synced.
enum class Phase {
    prepared,      ///< nothing is decided: nothing live was touched
    committed,     ///< COMMIT: to be applied
    rolling_back,  ///< ROLLBACK: to be reversed
    done,          ///< DONE: all applied and durable; what was replaced may go
    rolled_back,   ///< ROLLED_BACK: all reversed and durable; what was staged may go
};

struct Journal {
    OrderedPlan plan;
    Phase phase = Phase::prepared;
    std::uint64_t end = 0;  ///< bytes of whole records; what the file holds behind them was torn

    /// Decided and not ended.
    bool is_open() const { return phase == Phase::committed || phase == Phase::rolling_back; }
};

/// Writes the journal of a plan; it appears under its name only when it is whole and durable.
Journal write_journal(os::Directory& state, OrderedPlan plan);

/// The journal in `state`, nothing when there is none. A torn last record (the power went while it was
/// written) is no record; anything else that is not as it was written is Error recovery, with line and text.
std::optional<Journal> read_journal(const os::Directory& state);

/// Appends the record that begins `phase`, durable on return. `reason`: why it is rolled back.
void append(os::Directory& state, Journal& journal, Phase phase, std::string_view reason = {});

/// Removes the journal and an unfinished new one, durable on return.
void remove_journal(os::Directory& state);

}  // namespace ft::commit
