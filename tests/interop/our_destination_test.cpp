#include <catch2/catch.hpp>

#include "ft/rsync/pull.h"
#include "interop/stock.h"

using namespace ft;
using namespace ft::test;

namespace {

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
        StockDaemon daemon{scratch / "conf"};
        base::Cancellation cancellation;
        base::Progress progress;
        const auto socket =
            machine->network().connect("127.0.0.1", daemon.port(), std::chrono::seconds{10}, cancellation);
        staging::Staging staging{*ours, staging::open_reserved(*ours), {}, origin};
        staging.check_earlier(progress, cancellation);
        std::string error;
        try {
            pulled = rsync::pull(*socket, *ours, rules, staging, options, progress, cancellation);
            apply(staging.finish());
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
        }
    }

    // Discarding the staging directory touches the root, which has its time from the change list.
    void set_root_time() {
        if (root_wanted) ours->set_attributes(".", *root_wanted);
    }

    void require_equal() {
        CHECK(listing_by_find(*machine, scratch / "ours") == listing_by_find(*machine, scratch / "theirs"));
    }

    std::unique_ptr<os::Machine> machine = os::make_machine();
    Scratch scratch;
    std::unique_ptr<os::Directory> theirs;
    std::unique_ptr<os::Directory> ours;
    std::unique_ptr<os::Accounts> accounts = machine->accounts("/");
    tree::Rules rules;
    rsync::PullOptions options;
    rsync::Pulled pulled;
    std::string origin = "a stock daemon";
    std::optional<base::Attributes> root_wanted;
};

}  // namespace

TEST_CASE("we pull from a stock daemon byte for byte, and again without a byte", "[interop]") {
    Destination destination;
    std::ofstream{destination.scratch / "ours/extraneous"} << "x";
    CHECK(destination.pull() == "");
    destination.require_equal();
    CHECK(destination.pulled.bytes_literal == 2'100'009);
    CHECK(destination.pull() == "");
    destination.require_equal();
    CHECK(destination.pulled.bytes_literal + destination.pulled.bytes_matched == 0);
    // A judge that is not ours.
    const os::Finished judged =
        run(*destination.machine,
            {"rsync", "-anci", "--delete", destination.scratch / "theirs/", destination.scratch / "ours/"});
    CHECK(judged.output == "");
}

TEST_CASE("we get a changed file from a stock daemon by its changes", "[interop]") {
    Destination destination;
    REQUIRE(destination.pull() == "");
    std::string big = noise(2'000'000);
    big.insert(700'000, "inserted");
    big.replace(1'500'000, 4, "####");
    destination.theirs->change_file("big")->write_at(0, base::as_bytes(big));
    destination.theirs->remove("sub/deep/file");
    destination.theirs->create_symlink("sub/deep/file", "now a link");
    destination.options.block_length = GENERATE(0, 1024, 131072);
    CHECK(destination.pull() == "");
    destination.require_equal();
    const auto block = static_cast<std::uint64_t>(std::max(1500, destination.options.block_length));
    CHECK(destination.pulled.bytes_literal <= 3 * block + 8);
    CHECK(destination.pulled.bytes_literal + destination.pulled.bytes_matched == big.size());
}

TEST_CASE("we pull from a stock daemon compressed, what is new and what changed", "[interop]") {
    Destination destination;
    destination.options.compressions = {GENERATE(wire::Compression::zstd, wire::Compression::lz4,
                                                 wire::Compression::zlibx, wire::Compression::zlib)};
    INFO(wire::name_of(destination.options.compressions.front()));
    std::string text;
    while (text.size() < 3'000'000) text += "line " + std::to_string(text.size() * 7919) + " of a text\n";
    destination.theirs->create_file("text")->write_at(0, base::as_bytes(text));
    CHECK(destination.pull() == "");
    destination.require_equal();
    CHECK(destination.pulled.bytes_literal == 2'100'009 + text.size());
    text.insert(1'000'000, "inserted");
    text.replace(2'000'000, 5'000, std::string(4'000, 'x'));
    destination.theirs->change_file("text")->write_at(0, base::as_bytes(text));
    CHECK(destination.pull() == "");
    destination.require_equal();
    CHECK(destination.pulled.bytes_literal < 50'000);
    CHECK(destination.pulled.bytes_matched > 2'900'000);
}

TEST_CASE("a stock daemon that does not compress as we ask is told", "[interop]") {
    Destination destination;
    destination.options.compressions = {wire::Compression::zstd};
    destination.options.module = "locked";  // the last section of the file
    destination.options.credentials = {"mover", "s3cret pass"};
    std::ofstream{destination.scratch / "conf", std::ios::app} << "refuse options = compress\n";
    CHECK(destination.pull().find("refuse --compress (-z)") != std::string::npos);
}

TEST_CASE("we answer a stock daemon's challenge", "[interop]") {
    Destination destination;
    destination.options.module = "locked";
    CHECK(destination.pull() == "the source asks for a password for locked");
    destination.options.credentials = {"mover", "guess"};
    CHECK(destination.pull() == "the source refuses locked: @ERROR: auth failed on module locked");
    destination.options.credentials = {"mover", "s3cret pass"};
    CHECK(destination.pull() == "");
    destination.require_equal();
}

TEST_CASE("a file that vanishes from a stock daemon is fine while it is live, else the end", "[interop]") {
    Destination destination;
    destination.options.live = GENERATE(false, true);
    destination.options.on_need = [&](const rsync::Need&, const auto& keep_alive) {
        keep_alive();
        destination.theirs->remove("sub/deep/file");
    };
    const std::string error = destination.pull();
    if (destination.options.live) {
        CHECK(error == "");
        CHECK(destination.pulled.vanished == 1);
        CHECK(!std::filesystem::exists(destination.scratch / "ours/sub/deep/file"));
    } else {
        CHECK(error == "sub/deep/file: the source listed it and cannot send it");
        CHECK(std::filesystem::is_empty(destination.scratch / "ours"));
    }
}

TEST_CASE("what a stock daemon cannot read, or does not have, ends the pull", "[interop]") {
    Destination destination;
    SECTION("an unreadable directory") {
        std::ofstream{destination.scratch / "conf", std::ios::app}
            << "[poor]\nuid = 65534\ngid = 65534\npath = " << (destination.scratch / "theirs") << "\n";
        std::filesystem::permissions(destination.scratch / "", std::filesystem::perms{0755});
        destination.theirs->set_attributes(".", {0755, 0, 0, {1, 0}});
        destination.options.module = "poor";
        const std::string error = destination.pull();
        CHECK(error.starts_with("the source could not read everything: rsync: [sender] opendir "));
    }
    SECTION("no such module") {
        destination.options.module = "nothing";
        CHECK(destination.pull() == "the source refuses nothing: @ERROR: Unknown module 'nothing'");
    }
    CHECK(std::filesystem::is_empty(destination.scratch / "ours"));
}

TEST_CASE("what an interrupted pull left is not fetched again from a stock daemon", "[interop]") {
    Destination destination;
    const std::string big = noise(2'000'000);
    const auto status = destination.theirs->status("big").value();
    const bool complete = GENERATE(false, true);
    const std::size_t length = complete ? big.size() : 1'300'000;
    // The live file has what follows, but for its end.
    if (!complete)
        destination.ours->create_file("big")->write_at(0, base::as_bytes(big.substr(0, 1'900'000)));
    {
        staging::Staging staging{
            *destination.ours, staging::open_reserved(*destination.ours), {}, destination.origin};
        const auto slot = staging.create_file(base::RelPath{"big"}, staging::Over::nothing,
                                              base::DigestKind::xxh128, nullptr);
        slot->append(base::as_bytes(big.substr(0, length)));
        if (complete) slot->finish(status.attributes);
    }
    if (!complete)
        destination.ours->change_file("big")->write_at(0, base::as_bytes(std::string(1'250'000, 'x')));
    CHECK(destination.pull() == "");
    destination.require_equal();
    CHECK(destination.pulled.adopted_files == (complete ? 1 : 0));
    CHECK(destination.pulled.adopted_bytes == (complete ? 2'000'000 : 0));
    CHECK(destination.pulled.bytes_literal < (complete ? 100'010 : 205'000));
}
