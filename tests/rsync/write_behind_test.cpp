#include "rsync/write_behind.h"

#include <catch2/catch.hpp>
#include <future>
#include <stdexcept>
#include <thread>

using namespace ft;
using rsync::WriteBehind;

TEST_CASE("a sync begins whenever enough was staged", "[rsync]") {
    WriteBehind behind;
    behind.note(200 << 20);
    int syncs = 0;
    behind.work([&] {
        if (++syncs == 1) {
            behind.note(200 << 20);  // while it goes on
        } else {
            behind.close();
        }
    });
    CHECK(syncs == 2);
}

TEST_CASE("nothing is synced for less, nor after the end", "[rsync]") {
    WriteBehind behind;
    int syncs = 0;
    const auto work = [&] { behind.work([&] { ++syncs; }); };
    behind.note(100 << 20);
    std::thread thread{work};
    behind.close();
    thread.join();
    behind.note(200 << 20);
    work();
    CHECK(syncs == 0);
}

TEST_CASE("files count beside their bytes", "[rsync]") {
    WriteBehind behind;
    std::promise<void> synced;
    std::thread thread{[&] { behind.work([&] { synced.set_value(); }); }};
    for (int file = 0; file < 4096; ++file) behind.note(0);
    synced.get_future().wait();
    behind.close();
    thread.join();
}

TEST_CASE("a sync that fails ends the thread with its error", "[rsync]") {
    WriteBehind behind;
    behind.note(1 << 30);
    CHECK_THROWS_AS(behind.work([] { throw std::runtime_error{"broken"}; }), std::runtime_error);
}
