#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "commit/journal_names.h"
#include "commit/plan.h"
#include "commit/records.h"
#include "ft/os/file.h"

namespace ft::commit {

/// What the journal says of its run; each but the first is a record that was appended and synced.
enum class Phase {
    prepared,      ///< nothing is decided: nothing live was touched
    committed,     ///< COMMIT: to be applied
    rolling_back,  ///< ROLLBACK: to be reversed
    done,          ///< DONE: all applied and durable
    rolled_back,   ///< ROLLED_BACK: all reversed and durable
    undoing,       ///< UNDO: to be reversed
    undone,        ///< UNDONE: all reversed and durable; what was staged may go
    redoing,       ///< REDO: to be applied again, then DONE
};

struct Journal {
    std::string_view name = kJournal;  ///< of its file: one of journal_names.h
    OrderedPlan plan{};
    Phase phase = Phase::prepared;
    std::map<std::size_t, Freeing> freeing{};  ///< by tree; only of a run that is discarded
    std::uint64_t end = 0;  ///< bytes of whole records; what the file holds behind them was torn

    /// Decided and not ended: the system is a mixture.
    bool is_open() const {
        return phase == Phase::committed || phase == Phase::rolling_back || is_open_undo();
    }
    bool is_open_undo() const { return phase == Phase::undoing || phase == Phase::redoing; }
};

/// Writes the journal of a plan; it appears under its name only when it is whole and durable.
Journal write_journal(os::Directory& state, OrderedPlan plan);

/// How much of a journal is kept in memory; all of it is read, and compared with its checksums.
enum class Extent {
    whole,
    outline,  ///< without moves, and of the settings only those of the trees' roots
};
/// The journal in the file `name`, nothing when there is none. A torn last record (the power went while it
/// was written) is no record; anything else that is not as it was written is Error recovery, with line and
/// text.
std::optional<Journal> read_journal(const os::Directory& state, std::string_view name = kJournal,
                                    Extent extent = Extent::whole);

/// Appends the record that begins `phase`, durable on return. `reason`: why it is not the phase that was
/// meant. The file's time stays that of the first DONE. When it fails, the file may or may not hold the
/// record.
void append(os::Directory& state, Journal& journal, Phase phase, std::string_view reason = {});
/// Appends what becomes of a tree of a discarded run, durable on return.
void append(os::Directory& state, Journal& journal, const Freeing& freeing);
/// Takes back an append that failed, durable on return.
void cut(os::Directory& state, const Journal& journal);

/// Gives the journal another name (nothing has it), durable on return.
void rename_journal(os::Directory& state, std::string_view from, std::string_view to);
/// Removes a journal and an unfinished new one, durable on return.
void remove_journal(os::Directory& state, std::string_view name = kJournal);

}  // namespace ft::commit
