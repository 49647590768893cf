// The n-th allocation of a commit, a recovery, an undo or a discard fails: alone, or with all after it. This
// program has an operator new of its own for that; what the memory disk itself allocates is not counted.

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <new>
#include <stdexcept>

#include "commit/world.h"

namespace {

/// Of this thread; 0: nothing fails.
thread_local std::uint64_t fails_at = 0;
thread_local std::uint64_t allocated = 0;
thread_local bool fails_for_ever = false;

bool fails() {
    if (fails_at == 0 || ft::test::in_memory_disk()) return false;
    ++allocated;
    return allocated == fails_at || (fails_for_ever && allocated > fails_at);
}

void* allocate_or_null(std::size_t size) { return fails() ? nullptr : std::malloc(size == 0 ? 1 : size); }

void* allocate(std::size_t size) {
    void* const memory = allocate_or_null(size);
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate_or_null(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate_or_null(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace ft::commit {
namespace {

using base::Outcome;
using test::Seed;

enum class Fails { once, for_ever };
/// How an action ended: with an outcome, an exception, or the process (a library's noexcept needed memory).
enum class Ended { told, thrown, terminated };
constexpr int kWrong = 99;

/// What is tried in a process of its own. `check` must hold however the action ended, and gets the outcome
/// that was told.
struct Trial {
    std::uint64_t at;
    Fails how;
    std::function<Outcome()> action;
    std::function<void(std::optional<Outcome> told)> check;
};
Trial* running = nullptr;

void require(bool right, const char* what) {
    if (!right) throw std::runtime_error{what};
}

[[noreturn]] void leave(Ended ended, std::optional<Outcome> told) {
    fails_at = 0;
    int status = (allocated >= running->at ? 10 : 0) + static_cast<int>(ended);
    try {
        running->check(told);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        status = kWrong;
    }
    ::_exit(status);
}

/// False when there is no such allocation any more. Counts in `ends` (by Ended).
bool right(Trial trial, std::array<std::uint64_t, 3>& ends) {
    INFO("allocation " << trial.at << (trial.how == Fails::once ? "" : " and all after it"));
    const pid_t child = ::fork();
    if (child == 0) {
        running = &trial;
        std::set_terminate([] { leave(Ended::terminated, {}); });
        std::optional<Outcome> told;
        fails_for_ever = trial.how == Fails::for_ever;
        fails_at = trial.at;
        try {
            told = trial.action();
        } catch (const std::exception&) {  // of base too
        }
        leave(told ? Ended::told : Ended::thrown, told);
    }
    REQUIRE(child > 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) != kWrong);
    ++ends.at(static_cast<std::size_t>(WEXITSTATUS(status) % 10));
    return WEXITSTATUS(status) >= 10;
}

/// Each of the first allocations and each seventh after them.
std::uint64_t next(std::uint64_t at) { return at < 200 ? at + 1 : at + 7; }

void recover(World& world) {
    world.recover();
    require(!world.mixture(), "a mixture is left");
    require(world.is_old() || (world.is_new() && world.is_kept()), "neither old nor new");
}

void show(const std::array<std::uint64_t, 3>& ends) {
    UNSCOPED_INFO("told " << ends[0] << ", thrown " << ends[1] << ", terminated " << ends[2]);
}

TEST_CASE("memory that ends at any allocation of a commit leaves old or new, as it says", "[commit]") {
    const Fails how = GENERATE(Fails::once, Fails::for_ever);
    std::array<std::uint64_t, 3> ends{};
    World world{all_kinds()};
    const Plan plan = world.stage_all();
    const auto commit = [&] { return world.commit(plan).outcome; };
    const auto check = [&](std::optional<Outcome> told) {
        if (told) require(told == Outcome::committed ? world.is_new() : world.is_old(), "not as it said");
        if (told) require(!world.mixture(), "not done as it said");
        recover(world);
        if (world.is_old()) require(world.commit(world.stage_all()).reason.empty(), "the next run");
        require(world.is_new() && world.is_kept(), "after the next run");
    };
    for (std::uint64_t at = 1; right({at, how, commit, check}, ends); at = next(at)) {
    }
    show(ends);
    CHECK(ends[1] > 50);
}

TEST_CASE("memory that ends at any allocation of a recovery leaves the next one to finish", "[commit]") {
    const std::uint64_t killed_at = GENERATE(20, 45);
    std::array<std::uint64_t, 3> ends{};
    World world{all_kinds()};
    const Plan plan = world.stage_all();
    REQUIRE_FALSE(world.disk.run_until_power_loss(killed_at, [&] { world.commit(plan); }));
    world.disk.restart(Seed{1});
    const auto action = [&] { return world.recover().outcome; };
    const auto check = [&](std::optional<Outcome>) {
        recover(world);
        require(world.is_new(), "not new");
    };
    for (std::uint64_t at = 1; right({at, Fails::once, action, check}, ends); at = next(at)) {
    }
    show(ends);
    CHECK(ends[1] > 50);
}

TEST_CASE("memory that ends at any allocation of an undo leaves the run committed or undone", "[commit]") {
    const Fails how = GENERATE(Fails::once, Fails::for_ever);
    std::array<std::uint64_t, 3> ends{};
    World world{all_kinds()};
    world.commit(world.stage_all());
    const auto action = [&] { return world.undo().outcome; };
    const auto check = [&](std::optional<Outcome> told) {
        if (told) require(told == Outcome::undone ? world.is_old() : world.is_new(), "not as it said");
        recover(world);
        if (world.is_new()) require(world.undo().outcome == Outcome::undone, "the next undo");
        require(world.is_old() && world.is_clean(), "after the next undo");
    };
    for (std::uint64_t at = 1; right({at, how, action, check}, ends); at = next(at)) {
    }
    show(ends);
    CHECK(ends[1] > 50);
}

TEST_CASE("memory that ends at any allocation of a discard leaves the store or nothing in the end",
          "[commit]") {
    std::array<std::uint64_t, 3> ends{};
    World world{all_kinds()};
    world.commit(world.stage_all());
    const auto action = [&] {
        world.discard();
        return Outcome::unchanged;
    };
    const auto check = [&](std::optional<Outcome>) {
        require(!world.mixture(), "a mixture is left");
        require(world.recover().left.empty(), "something is left for later");
        require(world.is_clean() || world.is_kept(), "half of the store is left");
    };
    for (std::uint64_t at = 1; right({at, Fails::once, action, check}, ends); at = next(at)) {
    }
    show(ends);
    CHECK(ends[1] > 50);
}

}  // namespace
}  // namespace ft::commit
