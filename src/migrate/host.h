#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/control/channel.h"
#include "ft/rsync/serve.h"
#include "ft/system/description.h"
#include "ft/transport/connection.h"
#include "ft/tree/rules.h"
#include "ft/ui/console.h"
#include "migrate/backups.h"
#include "migrate/served_run.h"
#include "migrate/traffic.h"

namespace ft::migrate {

/// The source as those who connect see it: one run at a time over the control channel, trees and backup as
/// rsync modules. A run whose control channel is lost is kept, with its backup, until its destination comes
/// back or another run begins. Called by the listener, one thread a connection.
class Host {
public:
    /// `allow_final`: a destination may have production stopped. `credentials`: of plain rsync clients;
    /// nothing: there are none.
    Host(os::Machine& machine, const system::Description& system, Backups& backups, Traffic& traffic,
         bool allow_final, std::optional<rsync::Credentials> credentials, ui::Console& console);

    ~Host();

    void handle(transport::Connection& connection, base::Cancellation& cancellation);
    /// Tells the destination of the run that goes on, if there is one, that the source stops, and stops what
    /// is done for it.
    void say_goodbye();

private:
    class Listed;
    using MakeBackup =
        std::function<std::shared_ptr<const Backup>(base::Cancellation&, const BackupProgress&)>;
    struct ServedTree {
        const system::TreeDescription* description;
        tree::Rules rules;
        std::uint64_t device = 0;  // of the file system that it lay on when it was checked
    };
    /// How the reading of a control channel ended: with a last word (or what counts as one), or it was lost.
    struct Ending {
        bool lost = false;
        std::string text;
        std::string outcome = "unknown";
    };

    void converse(transport::Connection& connection, base::Cancellation& cancellation);
    /// The run that `begin` goes on with, or begins; null with the reason in `refusal`.
    std::shared_ptr<ServedRun> admit(const control::Begin& begin, const std::string& peer,
                                     std::string& refusal);
    void begin_run(const control::Begin& begin, const std::string& peer);
    void converse(const std::shared_ptr<ServedRun>& run, control::Channel& channel,
                  transport::Connection& connection, base::Cancellation& cancellation);
    /// Has a backup made and says that it is ready, or why it is not.
    void prepare(ServedRun& run, const std::string& peer, const MakeBackup& make);
    Ending listen(ServedRun& run, control::Channel& channel, const std::string& peer,
                  base::Cancellation& cancellation);
    void stop_traffic(ServedRun& run, const std::string& peer);
    /// Error peer, told to the destination, unless this is the moment for it. `asked_here`: on this channel.
    void take_wish_to_stop(ServedRun& run, bool asked_here, const std::string& peer);
    void end_run(const std::shared_ptr<ServedRun>& run, const std::string& peer, const Ending& how);
    void tell_end(const ServedRun& run, const std::string& peer, const Ending& how);
    void fail_run(const base::Error& error);
    bool goes_on(const std::shared_ptr<ServedRun>& run);
    void tell_downtime(const std::string& peer);
    /// What hooks of a run are told.
    HookFacts facts(const control::Begin& begin) const;
    void end_transfers();
    /// Opened afresh for each use: the tree may have been replaced meanwhile, and nothing is kept busy. Error
    /// unfit when it is not on its file system any more.
    std::unique_ptr<const os::Directory> open_root(const ServedTree& tree) const;
    void serve(transport::Connection& connection, base::Cancellation& cancellation);
    system::Manifest manifest(const Backup& backup, const control::Begin& begin,
                              base::Cancellation& cancellation) const;

    os::Machine& machine_;
    const system::Description& system_;
    Backups& backups_;
    Traffic& traffic_;
    const bool allow_final_;
    const std::optional<rsync::Credentials> credentials_;
    ui::Console& console_;
    std::unique_ptr<os::Accounts> accounts_;
    const tree::Rules no_rules_;
    std::vector<ServedTree> trees_;
    std::mutex transfers_mutex_;                  // guards transfers_
    std::set<transport::Connection*> transfers_;  // of the run: they end with it
    base::Cancellation ending_;                   // of the source: what is done for a run ends with it
    std::mutex runs_mutex_;                       // guards run_; held while one makes room for another
    std::shared_ptr<ServedRun> run_;
};

}  // namespace ft::migrate
