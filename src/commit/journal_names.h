#pragma once

#include <string_view>

namespace ft::commit {

// Names and words of the journal's format (docs/journal.md).

/// In the state directory.
inline constexpr std::string_view kJournal = "journal";
/// The journal while it is written: it gets its name when it is whole and durable.
inline constexpr std::string_view kNewJournal = "journal.new";

inline constexpr int kJournalVersion = 3;

// Records, as the member "record" names them.
inline constexpr std::string_view kHeader = "header";
inline constexpr std::string_view kSwap = "swap";
inline constexpr std::string_view kCommit = "COMMIT";
inline constexpr std::string_view kDone = "DONE";
inline constexpr std::string_view kRollback = "ROLLBACK";
inline constexpr std::string_view kRolledBack = "ROLLED_BACK";

}  // namespace ft::commit
