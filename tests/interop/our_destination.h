#pragma once

#include <catch2/catch.hpp>

#include "ft/rsync/pull.h"
#include "interop/stock.h"

namespace ft::test {

/// A tree of the real disk, pulled by us from a stock daemon.
struct Destination {
    Destination() {
        for (const char* name : {"theirs", "ours"}) std::filesystem::create_directory(scratch / name);
        theirs = machine->open_root(scratch / "theirs");
        ours = machine->open_root(scratch / "ours");
        write_tree(*theirs, sample_tree(noise(2'000'000)));
        rules.exclude_path(base::RelPath{staging::kReservedDirectory});
        options.module = "data";
        options.accounts = accounts.get();
        std::ofstream{scratch / "secrets"} << "mover:s3cret pass\n";
        std::filesystem::permissions(scratch / "secrets", std::filesystem::perms{0600});
        std::ofstream{scratch / "conf"}
            << "use chroot = no\nuid = 0\ngid = 0\nmunge symlinks = no\nmotd file = " << (scratch / "motd")
            << "\n[data]\npath = " << (scratch / "theirs") << "\n[locked]\npath = " << (scratch / "theirs")
            << "\nauth users = mover\nsecrets file = " << (scratch / "secrets") << "\n";
        std::ofstream{scratch / "motd"} << "Welcome\n@nobody\n";
    }

    /// One pull; its changes are applied as a commit would. Returns the error, if any.
    std::string pull() {
        StockDaemon daemon{scratch / "conf", protocol};
        base::Cancellation cancellation;
        base::Progress progress;
        const auto socket =
            machine->network().connect("127.0.0.1", daemon.port(), std::chrono::seconds{10}, cancellation);
        staging::Staging staging{*ours, staging::open_reserved(*ours), {}, origin};
        staging.check_earlier(progress, cancellation);
        std::string error;
        try {
            pulled = rsync::pull(*socket, *ours, rules, staging, options, progress, cancellation);
            const staging::ChangeList list = staging.finish();
            counts = list.counts;
            apply(list);
        } catch (const base::Error& caught) {
            error = caught.what();
        }
        staging::free_staged(*ours);
        if (error.empty()) set_root_time();
        return error;
    }

    void apply(const staging::ChangeList& list) {
        using staging::MoveKind;
        const auto each = [&](MoveKind kind, const auto& action) {
            for (const staging::Move& move : list.moves) {
                if (move.kind == kind)
                    action(move.path.bytes(), staging::slot_path(list.generation, move.slot));
            }
        };
        each(MoveKind::remove, [&](auto& path, auto slot) { ours->rename(path, *ours, slot); });
        each(MoveKind::replace, [&](auto& path, auto slot) { ours->exchange(slot, *ours, path); });
        each(MoveKind::place, [&](auto& path, auto slot) { ours->rename(slot, *ours, path); });
        for (const staging::Setting& setting : list.settings) {
            const auto after = staging::Setting::attributes(setting.after);
            root_wanted = setting.path.is_root() ? after : root_wanted;
            ours->set_attributes(setting.path.bytes(), after);
            const auto* const extended = list.extended.find(setting.extended);
            if (extended != nullptr) ours->set_extended(setting.path.bytes(), extended->after);
        }
    }

    // Discarding the staging directory touches the root, which has its time from the change list.
    void set_root_time() {
        if (root_wanted) ours->set_attributes(".", *root_wanted);
    }

    void require_equal() { CHECK(difference_by_find(*machine, scratch / "ours", scratch / "theirs") == ""); }

    std::unique_ptr<os::Machine> machine = os::make_machine();
    Scratch scratch;
    std::unique_ptr<os::Directory> theirs;
    std::unique_ptr<os::Directory> ours;
    std::unique_ptr<os::Accounts> accounts = machine->accounts("/");
    tree::Rules rules;
    rsync::PullOptions options;
    rsync::Pulled pulled;
    staging::ChangeCounts counts;
    std::string origin = "a stock daemon";
    int protocol = 32;
    std::optional<base::Attributes> root_wanted;
};

}  // namespace ft::test
