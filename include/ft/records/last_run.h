#pragma once

#include <map>
#include <optional>
#include <string>

#include "ft/base/cancellation.h"
#include "ft/database/database.h"
#include "ft/os/machine.h"
#include "ft/system/description.h"
#include "ft/system/phase.h"

namespace ft::records {

/// What this machine was when its last run was committed, so that the next one can tell what happened since.
/// The file's own ctime, by the kernel that stamps the trees too, is the moment.
struct LastRun {
    std::string run_id;  ///< empty: it was taken back
    /// Id of the run that an undo takes back once this one is committed: its own, or if it found nothing to
    /// change that of an earlier one; empty: none.
    std::string undoes;
    std::string ended;                         ///< for people
    std::map<std::string, std::string> trees;  ///< name -> path, below the root
    std::map<std::string, database::Activity> databases;
    system::Phase phase = system::Phase::final_run;
    /// Of the data that an undo brings back; this machine's own data is final.
    system::Phase phase_before = system::Phase::final_run;
    bool operator==(const LastRun&) const = default;
};

/// What is to be remembered of run `run_id`, whose databases are restored and complete. What cannot be found
/// out is left out, and logged. Error cancelled.
LastRun describe_run(os::Machine& machine, const system::Description& system, const std::string& run_id,
                     system::Phase phase, base::Cancellation& cancellation);

/// Writes it down (kIncomingRun), before the commit: a commit that the next start finishes knows it too. What
/// phase is here until then goes with it.
void prepare_last_run(os::Directory& state, LastRun run);
/// Run `run_id` is committed: what was written down for it is kLastRun from now on. Whatever else is written
/// down was never committed and goes.
void keep_last_run(os::Directory& state, const std::string& run_id);

/// Run `run_id` is taken back: if it was the last one that changed something, only the phase of what is here
/// now is remembered, as a LastRun without an id.
void forget_last_run(os::Directory& state, const std::string& run_id);
/// The phase of what is here once run `run_id` is, or was, taken back.
system::Phase phase_without(const os::Directory& state, const std::string& run_id);

/// Nothing when no run was committed, or when the file says nothing that can be read: that is logged.
std::optional<LastRun> read_last_run(const os::Directory& state);

/// The file's text; for read_last_run and tests. Error corrupt for any other text.
std::string text_of(const LastRun& run);
LastRun last_run_of(const std::string& text);

}  // namespace ft::records
