#include "migrate/served_modules.h"

#include <fmt/format.h>

#include <utility>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/os/io_priority.h"
#include "ft/staging/names.h"
#include "ft/system/host_settings.h"
#include "ft/system/manifest.h"
#include "ft/transport/pace.h"
#include "ft/ui/format.h"

namespace ft::migrate {

ServedModules::ServedModules(os::Machine& machine, const system::Description& system, Backups& backups,
                             Traffic& traffic, std::optional<rsync::Credentials> credentials,
                             ui::Console& console)
    : machine_{machine},
      system_{system},
      backups_{backups},
      traffic_{traffic},
      credentials_{std::move(credentials)},
      console_{console},
      accounts_{machine.accounts(system.root)} {
    for (const auto& tree : system.trees) {
        ServedTree served{&tree,
                          system::rules_of(system, tree, {}, {std::string{staging::kReservedDirectory}})};
        served.device = machine.open_root_to_read(system.below_root(tree.path))->status(".")->device;
        trees_.push_back(std::move(served));
    }
}

std::unique_ptr<const os::Directory> ServedModules::open_root(const ServedTree& tree) const {
    const std::string path = system_.below_root(tree.description->path);
    auto root = machine_.open_root_to_read(path);
    if (root->status(".")->device != tree.device) {
        throw base::Error{
            base::ErrorKind::unfit,
            fmt::format("{}: is on another file system than when the source was started", base::escape(path)),
            "Mount it again, or start the source again."};
    }
    return root;
}

void ServedModules::require_there() const {
    for (const ServedTree& tree : trees_) open_root(tree);
}

void ServedModules::end_transfers() {
    const std::lock_guard lock{transfers_mutex_};
    for (transport::Connection* transfer : transfers_) transfer->shut_down();
}

/// A transfer while it goes on.
class ServedModules::Listed {
public:
    Listed(ServedModules& modules, transport::Connection* transfer) : modules_{modules}, transfer_{transfer} {
        const std::lock_guard lock{modules_.transfers_mutex_};
        if (transfer_ != nullptr) modules_.transfers_.insert(transfer_);
    }
    ~Listed() {
        const std::lock_guard lock{modules_.transfers_mutex_};
        modules_.transfers_.erase(transfer_);
    }
    Listed(const Listed&) = delete;
    Listed& operator=(const Listed&) = delete;

private:
    ServedModules& modules_;
    transport::Connection* transfer_;
};

namespace {

/// False when a client leaves without a word: it had made the connection ahead, and did not come to need it.
bool speaks(transport::Connection& connection) {
    try {
        return connection.wait_for_peer();
    } catch (const base::Error& error) {
        if (error.kind() != base::ErrorKind::network) throw;
        return false;
    }
}

}  // namespace

void ServedModules::serve(transport::Connection& connection, base::Cancellation& cancellation) {
    const bool plain = connection.purpose() == transport::Purpose::plain_rsync;
    const Listed listed{*this, plain ? nullptr : &connection};
    // What is there now may not be what is there when the client begins.
    if (!speaks(connection)) return;
    os::lower_io_priority();  // this thread is the connection's own: production's reads go first
    const auto backup = backups_.current();  // held until this client has it, whatever is made meanwhile
    rsync::ServeOptions options;
    options.accounts = accounts_.get();
    options.fill_random = [this](std::span<std::byte> into) { machine_.fill_random(into); };
    std::optional<transport::Pace> pace;  // of a stock client that wants one
    options.hold_back = [&](std::uint64_t bytes, std::uint64_t rate) {
        if (!pace) pace.emplace(machine_.clock(), rate);
        pace->hold_back(bytes, cancellation);
    };
    std::vector<std::unique_ptr<const os::Directory>> roots;
    for (const ServedTree& tree : trees_) {
        roots.push_back(open_root(tree));
        options.modules.push_back({tree.description->name, "tree " + tree.description->path,
                                   roots.back().get(), &tree.rules, traffic_.live(),
                                   tree.description->mounts});
    }
    if (!backup->databases().empty()) {
        options.modules.push_back(
            {system::kBackupModule, "database backup", &backup->root(), &no_rules_, false, {}});
    }
    if (plain) options.credentials = credentials_;

    base::Progress progress;
    rsync::Served served;
    try {
        served = rsync::serve(connection, options, progress, cancellation);
    } catch (const base::Error& error) {
        // The destination says what it makes of it: it comes again for the rest, also when a slow link made
        // it end this one itself to go on compressed.
        if (plain || error.kind() != base::ErrorKind::network) throw;
        console_.say(
            fmt::format("{}: a transfer ended before all was sent: {}", connection.peer(), error.what()));
        return;
    }
    if (!served.refused.empty()) {
        console_.warn(fmt::format("{}: refused: {}", connection.peer(), served.refused));
    } else if (served.module.empty()) {
        console_.say(fmt::format("{}: listed the modules", connection.peer()));
    } else {
        console_.say(fmt::format("{}: {}: {} sent, {}", connection.peer(), served.module,
                                 ui::count(served.files_sent, "file", "files"),
                                 ui::bytes(served.bytes_literal)));
    }
    for (const std::string& failed : served.failed) console_.warn(failed);
}

}  // namespace ft::migrate
