#include <catch2/catch.hpp>

#include "commit/journal.h"
#include "commit/plan.h"
#include "commit/world.h"

namespace ft::commit {
namespace {

using base::ErrorKind;

constexpr std::size_t kLimit = 1 << 20;

/// Journals of a run at each stage, as they are on the disk.
std::string journal_at(const std::vector<Phase>& phases) {
    World world{few_objects()};
    const auto state = world.disk.open("/state");
    Journal journal = write_journal(*state, order(world.machine, world.stage_all()));
    for (const Phase phase : phases)
        append(*state, journal, phase, phase == Phase::rolling_back ? "a \x1b reason" : "");
    return os::read_all(*state, "journal", kLimit);
}

/// What is read of a journal with this content; nothing: Error recovery.
std::optional<Phase> phase_of(const std::string& content) {
    test::MemoryDisk disk;
    const auto state = disk.open("/");
    state->create_file("journal")->write_at(0, base::as_bytes(content));
    try {
        return read_journal(*state).value().phase;
    } catch (const base::Error& error) {
        REQUIRE(error.kind() == ErrorKind::recovery);
        REQUIRE_FALSE(error.advice().empty());
        return std::nullopt;
    }
}

const std::vector<Phase> kToDone{Phase::committed, Phase::done};
const std::vector<Phase> kToRolledBack{Phase::committed, Phase::rolling_back, Phase::rolled_back};

TEST_CASE("a journal is read as it was written", "[commit]") {
    World world{all_kinds()};
    const auto state = world.disk.open("/state");
    Plan plan = world.stage_all();
    plan.trees[1].made = {"/etc\n", "/etc\n/config"};
    const Journal written = write_journal(*state, order(world.machine, std::move(plan)));
    const Journal read = read_journal(*state).value();
    CHECK(read.phase == Phase::prepared);
    CHECK(read.end == written.end);
    CHECK(read.plan.run_id == written.plan.run_id);
    CHECK(read.plan.swaps == written.plan.swaps);
    CHECK(read.plan.host_name == HostName{"old.example", "new.example"});
    REQUIRE(read.plan.trees.size() == 2);
    CHECK(read.plan.trees[1].path == "/config");
    CHECK(read.plan.trees[1].inode == written.plan.trees[1].inode);
    CHECK(read.plan.trees[1].reserved == written.plan.trees[1].reserved);
    CHECK(read.plan.trees[1].made == std::vector<std::string>{"/etc\n", "/etc\n/config"});
    CHECK(read.plan.keep_undo == written.plan.keep_undo);
    CHECK(read.plan.moves == written.plan.moves);
    REQUIRE(read.plan.settings.size() == written.plan.settings.size());
    CHECK(read.plan.extended.size() == written.plan.extended.size());
    CHECK(read.plan.extended.size() == 4);
    for (std::size_t i = 0; i < read.plan.settings.size(); ++i) {
        staging::Setting is = read.plan.settings[i];
        const staging::Setting& was = written.plan.settings[i];
        REQUIRE((is.extended == 0) == (was.extended == 0));
        if (is.extended != 0)
            CHECK(*read.plan.extended.find(is.extended) == *written.plan.extended.find(was.extended));
        is.extended = was.extended;  // numbers are each one's own
        CHECK(is == was);
    }
    const std::string text = os::read_all(*state, "journal", kLimit);
    CHECK(text.find(R"("extended":{"trusted.t":"6f6c64"}},"after":)") != std::string::npos);
    CHECK(std::any_of(read.plan.moves.begin(), read.plan.moves.end(), [](const Move& move) {
        return move.time.get() && move.replaced_time.get() == std::nullopt;
    }));
}

TEST_CASE("a journal without a host name leaves the machine's", "[commit]") {
    World world{few_objects()};
    Plan plan = world.stage_all();
    plan.host_name.reset();
    const auto state = world.disk.open("/state");
    write_journal(*state, order(world.machine, plan));
    CHECK_FALSE(read_journal(*state).value().plan.host_name);
    CHECK(world.commit(plan).outcome == base::Outcome::committed);
    CHECK(world.machine.host_name() == "old.example");
}

TEST_CASE("what becomes of the trees of a discarded run is read as it was written", "[commit]") {
    World world{few_objects()};
    world.commit(world.stage_all());
    const auto state = world.disk.open("/state");
    rename_journal(*state, kUndo, kDiscarded);
    auto journal = read_journal(*state, kDiscarded, Extent::outline).value();
    CHECK(journal.freeing.empty());
    append(*state, journal, Freeing{0, base::Timestamp{-3, 5}});
    const auto begun = read_journal(*state, kDiscarded).value();
    CHECK(begun.phase == Phase::done);
    CHECK(begun.end == journal.end);
    CHECK(begun.freeing.at(0).time == base::Timestamp{-3, 5});
    append(*state, journal, Freeing{0});
    CHECK_FALSE(read_journal(*state, kDiscarded).value().freeing.at(0).time);
    CHECK_FALSE(read_journal(*state, kDiscarded).value().freeing.at(0).unmade);
    append(*state, journal, Freeing{.tree = 0, .unmade = true});
    CHECK(read_journal(*state, kDiscarded).value().freeing.at(0).unmade);

    append(*state, journal, Freeing{9});  // a tree that is not there
    CHECK_THROWS_WITH(read_journal(*state, kDiscarded), Catch::Contains("out of range"));
    // An undo store is not worked off.
    state->remove(kDiscarded);
    world.begin_next({few_objects()[0].old_tree});
    world.commit(world.stage_all());
    journal = read_journal(*state, kUndo).value();
    append(*state, journal, Freeing{0});
    CHECK_THROWS_WITH(read_journal(*state, kUndo), Catch::Contains("not as the format has it"));
}

TEST_CASE("each appended record moves the journal to its phase", "[commit]") {
    CHECK(phase_of(journal_at({})) == Phase::prepared);
    CHECK(phase_of(journal_at({Phase::committed})) == Phase::committed);
    CHECK(phase_of(journal_at(kToDone)) == Phase::done);
    CHECK(phase_of(journal_at({Phase::committed, Phase::rolling_back})) == Phase::rolling_back);
    CHECK(phase_of(journal_at(kToRolledBack)) == Phase::rolled_back);
}

TEST_CASE("a truncated journal is at an earlier phase, or damaged", "[commit]") {
    const std::string whole = journal_at(kToDone);
    const std::size_t prepared = journal_at({}).size();
    const std::size_t committed = journal_at({Phase::committed}).size();
    for (std::size_t length = 0; length < whole.size(); ++length) {
        INFO("cut after " << length << " of " << whole.size() << " bytes");
        const auto phase = phase_of(whole.substr(0, length));
        if (length < prepared) {
            REQUIRE_FALSE(phase);
        } else {
            REQUIRE(phase == (length < committed ? Phase::prepared : Phase::committed));
        }
    }
}

void require_every_flip_found(const std::string& whole, std::size_t from) {
    for (std::size_t i = from; i < whole.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            INFO("bit " << bit << " of byte " << i << " of " << whole.size());
            std::string damaged = whole;
            damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
            REQUIRE_FALSE(phase_of(damaged));
        }
    }
}

TEST_CASE("a flipped bit anywhere in a journal is found", "[commit]") {
    const std::size_t prepared = journal_at({}).size();
    require_every_flip_found(journal_at({Phase::committed}), 0);
    require_every_flip_found(journal_at(kToDone), prepared);
    require_every_flip_found(journal_at(kToRolledBack), prepared);
}

TEST_CASE("a last record of which sectors are missing is no record, and the next one takes its place",
          "[commit]") {
    const std::string prepared = journal_at({});
    const std::string commit = journal_at({Phase::committed}).substr(prepared.size());
    std::string torn = commit;
    SECTION("the first ones") { torn.replace(0, 20, 20, '\0'); }
    SECTION("the last ones") { torn.replace(20, std::string::npos, torn.size() - 20, '\0'); }
    SECTION("all but the size") { torn.assign(torn.size(), '\0'); }
    SECTION("the end") { torn.resize(torn.size() - 1); }
    SECTION("and more than the next record has") { torn = commit.substr(0, 60) + std::string(500, '\0'); }
    test::MemoryDisk disk;
    const auto state = disk.open("/");
    state->create_file("journal")->write_at(0, base::as_bytes(prepared + torn));
    Journal journal = read_journal(*state).value();
    CHECK(journal.phase == Phase::prepared);
    append(*state, journal, Phase::committed);
    CHECK(os::read_all(*state, "journal", kLimit) == prepared + commit);
}

TEST_CASE("a journal of another format, run or order is refused with line and text", "[commit]") {
    const std::string prepared = journal_at({});
    const std::string to_done = journal_at(kToDone).substr(prepared.size());
    const std::string commit = to_done.substr(0, to_done.find('\n') + 1);
    CHECK_FALSE(phase_of(prepared + commit + commit));
    CHECK_FALSE(phase_of(prepared + to_done.substr(commit.size())));
    CHECK_FALSE(phase_of(prepared + "noise\n"));
    CHECK_FALSE(phase_of(commit + prepared));

    test::MemoryDisk disk;
    const auto state = disk.open("/");
    state->create_file("journal")->write_at(0, base::as_bytes(prepared + commit + "noise \x1b\n" + commit));
    CHECK_THROWS_WITH(read_journal(*state),
                      Catch::Contains("/journal: after line ") && Catch::Contains("noise \\x1b"));
    CHECK_THROWS_WITH(is_mixture(*state), Catch::Contains("noise \\x1b"));
}

}  // namespace
}  // namespace ft::commit
