#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "ft/base/cancellation.h"
#include "ft/control/channel.h"
#include "ft/rsync/serve.h"
#include "ft/system/description.h"
#include "ft/transport/connection.h"
#include "ft/ui/console.h"
#include "migrate/backups.h"
#include "migrate/served_modules.h"
#include "migrate/served_run.h"
#include "migrate/traffic.h"

namespace ft::migrate {

/// The source as those who connect see it: one run at a time over the control channel, and its modules. A run
/// whose control channel is lost is kept, with its backup, until its destination comes back or another run
/// begins. Called by the listener, one thread a connection.
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
    using MakeBackup =
        std::function<std::shared_ptr<const Backup>(base::Cancellation&, const BackupProgress&)>;
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
    void wait_for_the_dying(const control::Begin& begin);
    bool goes_on(const std::shared_ptr<ServedRun>& run);
    void tell_downtime(const std::string& peer);
    /// What hooks of a run are told.
    HookFacts facts(const control::Begin& begin) const;
    system::Manifest manifest(const Backup& backup, const control::Begin& begin,
                              base::Cancellation& cancellation) const;

    os::Machine& machine_;
    const system::Description& system_;
    Backups& backups_;
    Traffic& traffic_;
    const bool allow_final_;
    ui::Console& console_;
    ServedModules modules_;
    base::Cancellation ending_;  // of the source: what is done for a run ends with it
    std::mutex runs_mutex_;      // guards run_; held while one makes room for another
    std::shared_ptr<ServedRun> run_;
};

}  // namespace ft::migrate
