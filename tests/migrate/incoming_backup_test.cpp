#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "ft/base/bytes.h"
#include "ft/staging/names.h"
#include "migrate/pull.h"
#include "migrate/state_directory.h"
#include "support/memory_disk.h"

using namespace ft;

namespace {

/// A state directory with backups of these files, each with its directory's name as content.
struct State {
    State(const std::set<std::string>& incoming, const std::set<std::string>& last) {
        fill(migrate::kIncomingBackup, incoming);
        fill(migrate::kLastBackup, last);
        migrate::keep_incoming_backup(*state);
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
        return os::read_all(*state, std::string{migrate::kLastBackup} + "/toc.dat", 100);
    }

    test::MemoryDisk disk;
    std::unique_ptr<os::Directory> state = disk.open("/");
};

using Names = std::set<std::string>;
const std::string kStaged{staging::kReservedDirectory};

}  // namespace

TEST_CASE("a backup that came whole becomes the last one", "[migrate]") {
    const State state{{"toc.dat", "1.dat"}, {"toc.dat", "old.dat"}};
    CHECK(state.in(migrate::kLastBackup) == Names{"toc.dat", "1.dat"});
    CHECK(state.last() == migrate::kIncomingBackup);
    CHECK_FALSE(state.state->status(migrate::kIncomingBackup));
}

TEST_CASE("a backup that was placed in part does not take the place of a whole one", "[migrate]") {
    const State state{{"toc.dat", kStaged}, {"toc.dat", "old.dat"}};
    CHECK(state.in(migrate::kLastBackup) == Names{"toc.dat", "old.dat"});
    CHECK(state.last() == migrate::kLastBackup);
    CHECK(state.in(migrate::kIncomingBackup) == Names{kStaged});
    CHECK(state.state->status(std::string{migrate::kIncomingBackup} + '/' + kStaged + "/1"));

    const State alone{{"toc.dat", kStaged}, {}};
    CHECK(alone.last() == migrate::kIncomingBackup);
    CHECK_FALSE(alone.state->status(migrate::kIncomingBackup));
}

TEST_CASE("what is only staged of a backup waits for the next run", "[migrate]") {
    const State state{{kStaged}, {}};
    CHECK(state.in(migrate::kIncomingBackup) == Names{kStaged});
    CHECK_FALSE(state.state->status(migrate::kLastBackup));
    const State none{{}, {"toc.dat"}};
    CHECK(none.last() == migrate::kLastBackup);
}
