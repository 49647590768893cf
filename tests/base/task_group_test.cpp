#include "ft/base/task_group.h"

#include <catch2/catch.hpp>
#include <future>
#include <stdexcept>

#include "ft/base/error.h"

using namespace ft::base;

namespace {

/// A blocked task: ends with `error` when the group stops, as one whose stream was shut down does.
void block_until_stopped(TaskGroup& group, const std::string& error) {
    std::promise<void> stopped;
    const auto hook = group.cancellation().on_request([&] { stopped.set_value(); });
    stopped.get_future().wait();
    throw Error{ErrorKind::network, error};
}

struct PowerLoss {};

}  // namespace

TEST_CASE("the first failure stops the others and is what wait tells", "[base]") {
    Cancellation command;
    TaskGroup group{command};
    group.start("blocked", [&] { block_until_stopped(group, "stream shut down"); });
    group.start("also blocked", [&] { block_until_stopped(group, "stream shut down"); });
    group.start("failing", [] { throw Error{ErrorKind::corrupt, "file a differs"}; });
    CHECK_THROWS_WITH(group.wait(), "file a differs");
    CHECK_FALSE(command.requested());
}

TEST_CASE("tasks that end well leave nothing to tell, and the group can be used again", "[base]") {
    Cancellation command;
    TaskGroup group{command};
    std::atomic<int> done = 0;
    for (int i = 0; i < 8; ++i) group.start("counting", [&] { ++done; });
    CHECK_NOTHROW(group.wait());
    group.start("counting", [&] { ++done; });
    CHECK_NOTHROW(group.wait());
    CHECK(done == 9);
}

TEST_CASE("an interrupted group tells of the interruption, not of the streams that it closed", "[base]") {
    Cancellation command;
    TaskGroup group{command};
    group.start("blocked", [&] { block_until_stopped(group, "stream shut down"); });
    command.request("Ctrl-C");
    CHECK_THROWS_WITH(group.wait(), "interrupted by Ctrl-C");
}

TEST_CASE("a group that is destroyed stops and joins its tasks", "[base]") {
    Cancellation command;
    std::atomic<bool> ended = false;
    {
        TaskGroup group{command};
        group.start("blocked", [&] {
            try {
                block_until_stopped(group, "stream shut down");
            } catch (const Error&) {
                ended = true;
            }
        });
    }
    CHECK(ended);
}

TEST_CASE("what is no std::exception passes through and wins over errors", "[base]") {
    Cancellation command;
    TaskGroup group{command};
    group.start("blocked", [&] { block_until_stopped(group, "stream shut down"); });
    group.start("losing power", [] { throw PowerLoss{}; });
    CHECK_THROWS_AS(group.wait(), PowerLoss);
}
