#include "rsync/whole_files.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "ft/base/error.h"

using namespace ft;
using rsync::WholeFiles;

namespace {

WholeFiles::Whole whole(std::int32_t index, std::size_t size = 1) {
    WholeFiles::Whole file;
    file.request.item.index = index;
    file.content.resize(size);
    return file;
}

std::string error_of(const std::function<void()>& step) {
    try {
        step();
    } catch (const base::Error& error) {
        return error.kind() == base::ErrorKind::cancelled ? "cancelled" : error.what();
    }
    return "none";
}

}  // namespace

TEST_CASE("whole files are staged once each, in order where one thread does it", "[rsync]") {
    WholeFiles files;
    std::vector<std::int32_t> staged;
    std::thread thread{
        [&] { files.work([&](const auto& file) { staged.push_back(file.request.item.index); }); }};
    std::vector<std::int32_t> added;
    for (std::int32_t index = 0; index < 1000; ++index) {
        files.add(whole(index, 64 * 1024));
        added.push_back(index);
    }
    files.wait_until_staged();
    CHECK(staged == added);
    files.wait_until_staged();
    files.close();
    thread.join();
    CHECK(staged == added);
}

TEST_CASE("two threads stage all there is before they end", "[rsync]") {
    WholeFiles files;
    std::atomic<int> staged = 0;
    const auto work = [&] { files.work([&](const auto&) { ++staged; }); };
    std::thread one{work};
    std::thread other{work};
    for (std::int32_t index = 0; index < 1000; ++index) files.add(whole(index));
    files.close();
    one.join();
    other.join();
    CHECK(staged == 1000);
}

TEST_CASE("what is being staged is waited for", "[rsync]") {
    WholeFiles files;
    std::promise<void> may_end;
    std::promise<void> begun;
    std::atomic<bool> staged = false;
    std::thread thread{[&] {
        files.work([&](const auto&) {
            begun.set_value();
            may_end.get_future().wait();
            staged = true;
        });
    }};
    files.add(whole(0));
    begun.get_future().wait();  // nothing waits any more, and it is not done
    auto waiting = std::async(std::launch::async, [&] {
        files.wait_until_staged();
        return staged.load();
    });
    may_end.set_value();
    CHECK(waiting.get());
    files.close();
    thread.join();
}

TEST_CASE("who adds more than there is room for goes on when there is", "[rsync]") {
    WholeFiles files;
    constexpr std::size_t kSize = WholeFiles::kMostBytes / 8;
    for (std::int32_t index = 0; index < 8; ++index) files.add(whole(index, kSize));
    auto more = std::async(std::launch::async, [&] { files.add(whole(8, kSize)); });
    int staged = 0;
    std::thread thread{[&] { files.work([&](const auto&) { ++staged; }); }};
    more.get();
    files.close();
    thread.join();
    CHECK(staged == 9);
}

TEST_CASE("a stop ends who waits for room, for the end, and for work", "[rsync]") {
    WholeFiles files;
    files.wait_until_staged();  // of nothing
    for (std::int32_t index = 0; index < 8; ++index) files.add(whole(index, WholeFiles::kMostBytes / 8));
    auto for_room = std::async(std::launch::async, [&] { return error_of([&] { files.add(whole(9)); }); });
    files.stop();
    CHECK(for_room.get() == "cancelled");
    CHECK(error_of([&] { files.wait_until_staged(); }) == "cancelled");
    int staged = 0;
    files.work([&](const auto&) { ++staged; });
    CHECK(staged == 0);
}
