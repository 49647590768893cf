#include "ft/records/state_directory.h"

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/ui/format.h"

namespace ft::records {

StateDirectory::StateDirectory(os::Machine& machine, const system::Description& system,
                               const std::string& command)
    : machine_{machine}, path_{system.below_root(system.state_dir)} {
    // Another run's end may remove the directory between our steps: what is locked must be what is used.
    std::uint64_t locked = 0;
    do {
        made_ = machine.make_root(path_);
        const auto before = machine.open_root(path_);
        locked = before->status(".")->inode;
        lock_ = machine.lock(path_);
        directory_ = machine.open_root(path_);
    } while (directory_->status(".")->inode != locked);
    if (!lock_) {
        std::string who = "another run";
        try {
            who = base::escape(os::read_all(*directory_, kRunningFile, 4096));
        } catch (const base::Error&) {  // it has just begun, or just ended
        }
        throw base::Error{base::ErrorKind::busy, fmt::format("{}: in use by {}", base::escape(path_), who),
                          "Wait until it has ended, then run the same command again."};
    }
    if (!made_.empty()) {
        os::Attributes attributes = directory_->status(".")->attributes;
        attributes.mode = 0700;
        directory_->set_attributes(".", attributes);
    }
    try {
        os::write_whole(*directory_, kRunningFile,
                        fmt::format("{} since {}", command, ui::time(machine.clock().wall_seconds())));
    } catch (const base::Error& error) {  // the lock counts; on a full disk this command may be what frees it
        base::log_warning("{}", error.what());
    }
}

StateDirectory::~StateDirectory() {
    try {
        if (!lock_) return;
        os::remove_all(*directory_, kRunningFile);
        for (auto made = made_.rbegin(); made != made_.rend(); ++made) machine_.remove_root(*made);
    } catch (...) {  // left for the next start; it holds nothing
    }
}

}  // namespace ft::records
