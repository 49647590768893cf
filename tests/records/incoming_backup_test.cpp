#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "ft/base/bytes.h"
#include "ft/records/incoming_backup.h"
#include "ft/records/state_directory.h"
#include "ft/staging/names.h"
#include "support/memory_disk.h"

using namespace ft;

namespace {

/// A state directory with backups of these files, each with its directory's name as content.
struct State {
    State(const std::set<std::string>& incoming, const std::set<std::string>& last) {
        fill(records::kIncomingBackup, incoming);
        fill(records::kLastBackup, last);
        records::keep_incoming_backup(*state);
    }
    void fill(const std::string& name, const std::set<std::string>& files) {
        if (!files.empty()) state->create_directory(name);
        for (const std::string& file : files) {
            if (file == staging::kReservedDirectory) {
                os::make_directories(*state, name + '/' + file + "/1");
            } else {
                state->create_file(name + '/' + file)->write_at(0, base::as_bytes(name));
            }
        }
    }
    std::set<std::string> in(const std::string& name) const {
        std::set<std::string> names;
        if (!state->status(name)) return names;
        for (const os::Name& each : state->open_directory(name)->list()) names.insert(each.name);
        return names;
    }
    std::string last() const {
        return os::read_all(*state, std::string{records::kLastBackup} + "/toc.dat", 100);
    }

    test::MemoryDisk disk;
    std::unique_ptr<os::Directory> state = disk.open("/");
};

using Names = std::set<std::string>;
const std::string kStaged{staging::kReservedDirectory};

}  // namespace

TEST_CASE("a backup that came whole becomes the last one", "[records]") {
    const State state{{"toc.dat", "1.dat"}, {"toc.dat", "old.dat"}};
    CHECK(state.in(records::kLastBackup) == Names{"toc.dat", "1.dat"});
    CHECK(state.last() == records::kIncomingBackup);
    CHECK_FALSE(state.state->status(records::kIncomingBackup));
}

TEST_CASE("a backup that was placed in part does not take the place of a whole one", "[records]") {
    const State state{{"toc.dat", kStaged}, {"toc.dat", "old.dat"}};
    CHECK(state.in(records::kLastBackup) == Names{"toc.dat", "old.dat"});
    CHECK(state.last() == records::kLastBackup);
    CHECK(state.in(records::kIncomingBackup) == Names{kStaged});
    CHECK(state.state->status(std::string{records::kIncomingBackup} + '/' + kStaged + "/1"));

    const State alone{{"toc.dat", kStaged}, {}};
    CHECK(alone.last() == records::kIncomingBackup);
    CHECK_FALSE(alone.state->status(records::kIncomingBackup));
}

TEST_CASE("a backup that is being placed becomes the last one, wherever the process is killed", "[records]") {
    staging::ChangeList staged{.generation = staging::Generation{1}};
    for (std::uint64_t slot = 1; slot <= 3; ++slot)
        staged.moves.push_back({.path = base::RelPath{"db" + std::to_string(slot)},
                                .inode = slot,
                                .slot = staging::SlotNumber{slot},
                                .kind = staging::MoveKind::place});
    bool begun = false;
    for (std::uint64_t step = 1;; ++step) {
        INFO("killed before operation " << step);
        test::MemoryDisk disk;
        {
            const auto state = disk.open("/");
            state->create_directory(records::kLastBackup);
            const auto slots =
                os::make_directories(*state, std::string{records::kIncomingBackup} + '/' + kStaged + "/1");
            slots->create_file("log");
            for (const char* slot : {"1", "2", "3"}) {
                slots->create_directory(slot);
                slots->create_file(std::string{slot} + "/toc.dat");
            }
        }
        const bool finished = disk.run_until_power_loss(step, [&] {
            const auto incoming = disk.open(std::string{"/"} + records::kIncomingBackup);
            records::place_backup(*incoming, staged);
        });
        disk.lose_power();
        disk.restart(test::Seed{1});  // all is kept, as of a process that is killed
        const auto state = disk.open("/");
        const bool placing = state->status(std::string{records::kIncomingBackup} + "/db1").has_value();
        begun = begun || placing;
        records::keep_incoming_backup(*state);
        Names last;
        for (const os::Name& each : state->open_directory(records::kLastBackup)->list())
            last.insert(each.name);
        // Until it is being placed, all waits in its slots.
        if (begun) {
            REQUIRE(last == Names{"db1", "db2", "db3"});
        } else if (last.empty()) {
            REQUIRE(state->status(std::string{records::kIncomingBackup} + '/' + kStaged + "/1/3/toc.dat"));
        }
        REQUIRE((begun || last.empty() || last.size() == 3));
        if (finished) break;
    }
    CHECK(begun);
}

TEST_CASE("what is only staged of a backup waits for the next run", "[records]") {
    const State state{{kStaged}, {}};
    CHECK(state.in(records::kIncomingBackup) == Names{kStaged});
    CHECK_FALSE(state.state->status(records::kLastBackup));
    const State none{{}, {"toc.dat"}};
    CHECK(none.last() == records::kLastBackup);
}
