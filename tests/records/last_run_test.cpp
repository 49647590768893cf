#include "ft/records/last_run.h"

#include <catch2/catch.hpp>

#include "ft/records/state_directory.h"
#include "support/error_of.h"
#include "support/memory_machine.h"

namespace ft::records {
namespace {

const LastRun kRun{
    "2026-07-14T22-10-00Z-1f00",
    "2026-07-14T22-10-00Z-1f00",
    "2026-07-14T22:12:00Z",
    {{"data", "/srv/da\nta"}},
    {{"a\x1bpp", {4711, true, "2026-01-01", {{"public.users", {3, 2, 1}}, {"public.\"o\\dd\"", {}}}}}}};

}  // namespace

TEST_CASE("a last run is read as it was written, and damage is no run", "[records]") {
    const std::string text = text_of(kRun);
    CHECK(last_run_of(text) == kRun);
    for (std::size_t length = 0; length + 1 < text.size(); ++length)
        CHECK(test::error_of([&] { last_run_of(text.substr(0, length)); }) == "damaged");
    std::string other = text;
    other.replace(other.find("\"format\": 3"), 11, "\"format\": 1");
    CHECK(test::error_of([&] { last_run_of(other); }) == "of another format");
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string flipped = text;
        flipped[i] = static_cast<char>(flipped[i] ^ 4);
        try {
            last_run_of(flipped);
        } catch (const base::Error& error) {
            CHECK(error.kind() == base::ErrorKind::corrupt);
        }
    }
}

TEST_CASE("only the run that was committed becomes the last one", "[records]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    machine.make_root("/state");
    const auto state = machine.open_root("/state");
    CHECK_FALSE(read_last_run(*state));
    keep_last_run(*state, kRun.run_id);
    CHECK_FALSE(read_last_run(*state));
    prepare_last_run(*state, kRun);
    CHECK_FALSE(read_last_run(*state));
    keep_last_run(*state, kRun.run_id);
    CHECK(read_last_run(*state) == kRun);
    CHECK(state->status(kLastRun)->attributes.mode == 0600);

    LastRun next = kRun;
    next.run_id = "next";
    prepare_last_run(*state, next);
    CHECK(read_last_run(*state) == kRun);
    keep_last_run(*state, "another");
    CHECK_FALSE(read_last_run(*state));
    CHECK(state->list().empty());

    os::write_whole(*state, kLastRun, "{");
    CHECK_FALSE(read_last_run(*state));
}

TEST_CASE("a run that changes nothing leaves the run and the phase that an undo leads back to", "[records]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    machine.make_root("/state");
    const auto state = machine.open_root("/state");
    const auto commit = [&](const char* id, system::Phase phase, const char* undoes) {
        LastRun run = kRun;
        run.run_id = id;
        run.undoes = undoes;
        run.phase = phase;
        prepare_last_run(*state, run);
        keep_last_run(*state, id);
    };
    commit("first", system::Phase::rehearsal, "first");
    commit("second", system::Phase::rehearsal, "first");
    commit("third", system::Phase::final_run, "first");
    const LastRun last = read_last_run(*state).value();
    CHECK(last.run_id == "third");
    CHECK(last.phase == system::Phase::final_run);
    CHECK(phase_without(*state, "first") == system::Phase::final_run);  // this machine's own data

    commit("fourth", system::Phase::rehearsal, "fourth");
    forget_last_run(*state, "first");
    CHECK(read_last_run(*state)->run_id == "fourth");
    commit("fifth", system::Phase::rehearsal, "lost");  // of which nothing was remembered
    CHECK(phase_without(*state, "lost") == system::Phase::rehearsal);
    commit("sixth", system::Phase::final_run, "lost");
    CHECK(phase_without(*state, "lost") == system::Phase::rehearsal);
    forget_last_run(*state, "lost");
    CHECK(read_last_run(*state)->run_id.empty());
    CHECK(read_last_run(*state)->phase == system::Phase::rehearsal);
}

}  // namespace ft::records
