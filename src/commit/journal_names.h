#pragma once

#include <string_view>

namespace ft::commit {

// Names and words of the journal's format (docs/journal.md).

// In the state directory: the file's name says what its run's objects are kept for.
/// A commit that is open or only just ended.
inline constexpr std::string_view kJournal = "journal";
/// The last committed run, which can be taken back.
inline constexpr std::string_view kUndo = "undo";
/// A run whose replaced objects are being removed.
inline constexpr std::string_view kDiscarded = "discarded";
/// The journal while it is written: it gets its name when it is whole and durable.
inline constexpr std::string_view kNewJournal = "journal.new";

inline constexpr int kJournalVersion = 4;

// Records, as the member "record" names them.
inline constexpr std::string_view kHeader = "header";
inline constexpr std::string_view kSwap = "swap";
inline constexpr std::string_view kAttributes = "attributes";
inline constexpr std::string_view kCommit = "COMMIT";
inline constexpr std::string_view kDone = "DONE";
inline constexpr std::string_view kRollback = "ROLLBACK";
inline constexpr std::string_view kRolledBack = "ROLLED_BACK";
inline constexpr std::string_view kUndoing = "UNDO";
inline constexpr std::string_view kUndone = "UNDONE";
inline constexpr std::string_view kRedo = "REDO";
inline constexpr std::string_view kFreeing = "FREEING";
inline constexpr std::string_view kFreed = "FREED";

}  // namespace ft::commit
