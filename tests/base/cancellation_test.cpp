#include "ft/base/cancellation.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <optional>
#include <thread>

#include "ft/base/error.h"

using namespace ft::base;

TEST_CASE("a request runs every hook once and names its reason", "[base]") {
    Cancellation cancellation;
    int calls = 0;
    const auto first = cancellation.on_request([&] { ++calls; });
    const auto second = cancellation.on_request([&] { ++calls; });
    CHECK_NOTHROW(cancellation.check());
    cancellation.request("Ctrl-C");
    cancellation.request("something later");
    CHECK(calls == 2);
    CHECK(cancellation.requested());
    CHECK_THROWS_WITH(cancellation.check(), "interrupted by Ctrl-C");
}

TEST_CASE("a hook that is gone or moved away is not called, one that comes late is called at once",
          "[base]") {
    Cancellation cancellation;
    int gone = 0;
    int moved = 0;
    int late = 0;
    {
        const auto hook = cancellation.on_request([&] { ++gone; });
    }
    auto from = cancellation.on_request([&] { ++moved; });
    auto to = cancellation.on_request([&] { ++gone; });
    to = std::move(from);
    cancellation.request("a test");
    const auto hook = cancellation.on_request([&] { ++late; });
    CHECK(gone == 0);
    CHECK(moved == 1);
    CHECK(late == 1);
}

TEST_CASE("a request reaches what lies below and not what lies above", "[base]") {
    Cancellation parent;
    Cancellation child{parent};
    Cancellation sibling{parent};
    sibling.request("the sibling");
    CHECK_FALSE(parent.requested());
    CHECK_FALSE(child.requested());
    parent.request("the parent");
    CHECK_THROWS_WITH(child.check(), "interrupted by the parent");
    CHECK_THROWS_WITH(sibling.check(), "interrupted by the sibling");
    Cancellation born_late{parent};
    CHECK(born_late.requested());
}

TEST_CASE("after close a request does nothing", "[base]") {
    Cancellation cancellation;
    int calls = 0;
    const auto hook = cancellation.on_request([&] { ++calls; });
    cancellation.close();
    cancellation.request("too late");
    CHECK(calls == 0);
    CHECK_FALSE(cancellation.requested());
}

TEST_CASE("removing a hook waits until its action has ended", "[base]") {
    Cancellation cancellation;
    std::promise<void> running;
    std::promise<void> may_end;
    std::atomic<bool> ended = false;
    std::optional hook = cancellation.on_request([&] {
        running.set_value();
        may_end.get_future().wait();
        ended = true;
    });
    std::thread requester{[&] { cancellation.request("a test"); }};
    running.get_future().wait();
    std::atomic<bool> ended_before_removal = false;
    std::thread remover{[&] {
        hook.reset();
        ended_before_removal = ended.load();
    }};
    may_end.set_value();
    remover.join();
    requester.join();
    CHECK(ended_before_removal);
}
