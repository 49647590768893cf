#include "ft/os/network.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include <fcntl.h>
#include "ft/base/error.h"
#include "ft/os/machine.h"
#include "os/fd.h"

using namespace ft::os;
using namespace std::chrono_literals;
using ft::base::as_bytes;
using ft::base::as_text;
using ft::base::Cancellation;
using ft::base::Error;

namespace {

struct Pair {
    std::unique_ptr<Machine> machine = make_machine();
    std::unique_ptr<Acceptor> acceptor;
    std::unique_ptr<Socket> near;
    std::unique_ptr<Socket> far;

    explicit Pair(const std::string& listen_at = "127.0.0.1", const std::string& connect_to = "127.0.0.1") {
        Cancellation never;
        acceptor = machine->network().listen(listen_at, 0);
        near = machine->network().connect(connect_to, acceptor->port(), 20s, never);
        far = acceptor->accept();
    }
};

std::string read_text(Socket& socket, std::size_t length) {
    std::string text(length, ' ');
    std::size_t done = 0;
    while (done < length) {
        const auto count = socket.read_some(std::as_writable_bytes(std::span{text}).subspan(done));
        if (count == 0) break;
        done += count;
    }
    text.resize(done);
    return text;
}

std::string message_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        CHECK(error.kind() == ft::base::ErrorKind::network);
        return error.what();
    }
    return "nothing failed";
}

}  // namespace

TEST_CASE("what one side writes the other reads, until the end of stream", "[os]") {
    Pair pair;
    pair.near->write(as_bytes("hello"));
    CHECK(pair.far->peek() == std::byte{'h'});
    CHECK(read_text(*pair.far, 5) == "hello");
    pair.near->finish_writing();
    CHECK(pair.far->peek() == std::nullopt);
    CHECK(read_text(*pair.far, 1).empty());
    pair.far->write(as_bytes("still heard"));
    CHECK(read_text(*pair.near, 11) == "still heard");
    CHECK(pair.far->peer() == "127.0.0.1");
    CHECK(pair.near->peer() == "127.0.0.1");
}

TEST_CASE("more than the kernel buffers goes through whole", "[os]") {
    Pair pair;
    const std::string sent(20'000'000, 'x');
    std::thread writer{[&] { pair.near->write(as_bytes(sent)); }};
    CHECK(read_text(*pair.far, sent.size()) == sent);
    writer.join();
}

TEST_CASE("a port where nobody listens refuses, and the message says so", "[os]") {
    const auto machine = make_machine();
    Cancellation never;
    const std::uint16_t port = machine->network().listen("127.0.0.1", 0)->port();
    CHECK(message_of([&] { machine->network().connect("127.0.0.1", port, 20s, never); }) ==
          "127.0.0.1:" + std::to_string(port) + ": connection refused: nobody listens there");
}

TEST_CASE("a name that does not resolve is named with the resolver's reason", "[os]") {
    const auto machine = make_machine();
    Cancellation never;
    CHECK_THAT(message_of([&] { machine->network().connect("no such\nname", 873, 20s, never); }),
               Catch::StartsWith("no such\\x0aname:873: does not resolve ("));
}

TEST_CASE("an address that does not answer ends with the limit", "[os]") {
    // A listener whose queue is full drops what would be answered.
    const auto machine = make_machine();
    Cancellation never;
    const auto acceptor = machine->network().listen("127.0.0.1", 0);
    std::vector<std::unique_ptr<Socket>> filling;
    const std::string message = message_of([&] {
        for (int i = 0; i < 1000; ++i) {
            filling.push_back(machine->network().connect("127.0.0.1", acceptor->port(), 300ms, never));
        }
    });
    CHECK(message == "127.0.0.1:" + std::to_string(acceptor->port()) + ": no answer within 300 ms");
}

TEST_CASE("a request ends an attempt to connect", "[os]") {
    const auto machine = make_machine();
    Cancellation cancellation;
    const auto acceptor = machine->network().listen("127.0.0.1", 0);
    std::vector<std::unique_ptr<Socket>> filling;
    try {
        for (int i = 0; i < 1000; ++i) {
            filling.push_back(machine->network().connect("127.0.0.1", acceptor->port(), 300ms, cancellation));
        }
    } catch (const Error&) {
    }
    std::thread requester{[&] { cancellation.request("a test"); }};
    CHECK_THROWS_WITH(machine->network().connect("127.0.0.1", acceptor->port(), 1h, cancellation),
                      "interrupted by a test");
    requester.join();
}

TEST_CASE("a port in use is named with what to do", "[os]") {
    const auto machine = make_machine();
    const auto first = machine->network().listen("127.0.0.1", 0);
    CHECK(message_of([&] { machine->network().listen("127.0.0.1", first->port()); }) ==
          "127.0.0.1, port " + std::to_string(first->port()) + ": in use by another program");
    const auto all = machine->network().listen("", 0);
    CHECK(message_of([&] { machine->network().listen("", all->port()); }) ==
          "port " + std::to_string(all->port()) + ": in use by another program");
    CHECK_THAT(message_of([&] { machine->network().listen("192.0.2.1", 0); }),
               Catch::EndsWith("not an address of this server"));
}

TEST_CASE("without an address both families are served, and IPv4 peers look like IPv4", "[os]") {
    Pair four{"", "127.0.0.1"};
    CHECK(four.far->peer() == "127.0.0.1");
    if (std::unique_ptr<Fd> six = std::make_unique<Fd>(::open("/proc/net/if_inet6", O_RDONLY));
        six->is_open()) {
        Pair pair{"", "::1"};
        CHECK(pair.far->peer() == "[::1]");
        Pair only{"::1", "::1"};
        CHECK(only.near->peer() == "[::1]");
        Cancellation never;
        const std::uint16_t port = only.machine->network().listen("::1", 0)->port();
        CHECK(message_of([&] { only.machine->network().connect("::1", port, 20s, never); }) ==
              "[::1]:" + std::to_string(port) + ": connection refused: nobody listens there");
    }
}

TEST_CASE("a name is listened on and connected to", "[os]") {
    Pair pair{"localhost", "localhost"};
    pair.near->write(as_bytes("x"));
    CHECK(read_text(*pair.far, 1) == "x");
}

TEST_CASE("a request made before ends the search for a name", "[os]") {
    const auto machine = make_machine();
    Cancellation cancellation;
    cancellation.request("a test");
    CHECK_THROWS_WITH(machine->network().connect("localhost", 873, 1h, cancellation),
                      "interrupted by a test");
}

TEST_CASE("a silent peer ends a read at the idle limit, and only then", "[os]") {
    Pair pair;
    pair.far->set_idle_limit(100ms);
    CHECK(message_of([&] { read_text(*pair.far, 1); }) == "127.0.0.1: silent for 100 ms");
    pair.near->write(as_bytes("x"));
    CHECK(read_text(*pair.far, 1) == "x");
    pair.near->set_idle_limit(2s);
    const std::string much(100'000'000, 'x');
    CHECK(message_of([&] { pair.near->write(as_bytes(much)); }) == "127.0.0.1: takes no data for 2 s");
}

TEST_CASE("shut_down ends a blocked read and a blocked write of other threads", "[os]") {
    Pair pair;
    const std::string much(100'000'000, 'x');
    auto reading =
        std::async(std::launch::async, [&] { return message_of([&] { read_text(*pair.near, 1); }); });
    auto writing =
        std::async(std::launch::async, [&] { return message_of([&] { pair.near->write(as_bytes(much)); }); });
    REQUIRE(pair.far->peek() == std::byte{'x'});  // the writer is at work
    pair.near->shut_down();
    CHECK(reading.get() == "127.0.0.1: connection closed here");
    CHECK(writing.get() == "127.0.0.1: connection closed here");
    CHECK(message_of([&] { pair.near->write(as_bytes("x")); }) == "127.0.0.1: connection closed here");
}

TEST_CASE("a peer that goes away with data unread is a lost connection, not the end of the program", "[os]") {
    Pair pair;
    pair.near->write(as_bytes("unread"));
    REQUIRE(pair.far->peek());
    pair.far.reset();
    CHECK_THAT(message_of([&] { read_text(*pair.near, 1); }),
               Catch::StartsWith("127.0.0.1: connection lost ("));
    CHECK_THAT(message_of([&] {
                   for (int i = 0; i < 100; ++i) pair.near->write(as_bytes("more"));
               }),
               Catch::StartsWith("127.0.0.1: connection lost ("));
}

TEST_CASE("shut_down ends accept, before and during it", "[os]") {
    const auto machine = make_machine();
    const auto acceptor = machine->network().listen("", 0);
    auto accepting = std::async(std::launch::async, [&] { return acceptor->accept() == nullptr; });
    acceptor->shut_down();
    CHECK(accepting.get());
    CHECK(acceptor->accept() == nullptr);
}

TEST_CASE("an acceptor without descriptors waits, and accepts when there are some again", "[os]") {
    const auto machine = make_machine();
    Cancellation never;
    const auto acceptor = machine->network().listen("127.0.0.1", 0);
    const auto first = machine->network().connect("127.0.0.1", acceptor->port(), 20s, never);
    REQUIRE(acceptor->accept());
    const Fd second{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::atomic<bool> begun = false;
    std::atomic<bool> accepted = false;
    std::thread accepting{[&] {
        begun = true;
        accepted = acceptor->accept() != nullptr;
    }};
    while (!begun) std::this_thread::yield();
    std::vector<Fd> all;
    while (all.empty() || all.back().is_open()) all.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(acceptor->port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int connected = ::connect(second.number(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
    ::poll(nullptr, 0,
           300);  // time to meet the shortage; however long it is, there is nothing to accept with
    const bool too_early = accepted;
    all.clear();
    accepting.join();
    CHECK(connected == 0);
    CHECK_FALSE(too_early);
    CHECK(accepted);
}

TEST_CASE("a number is its own address, in the form of a peer, and loopback is none", "[os]") {
    using Texts = std::vector<std::string>;
    const auto machine = make_machine();
    Cancellation never;
    const auto addresses = [&](const std::string& host) {
        return machine->network().addresses_of(host, 20s, never);
    };
    CHECK(addresses("10.1.2.3") == Texts{"10.1.2.3"});
    CHECK(addresses("fd00:0::1") == Texts{"[fd00::1]"});
    CHECK(addresses("::ffff:10.1.2.3") == Texts{"10.1.2.3"});
    for (const char* own : {"127.0.0.1", "127.0.1.1", "::1", "0.0.0.0", "::"}) CHECK(addresses(own).empty());
}

TEST_CASE("this machine's addresses are those that it can listen on, without loopback", "[os]") {
    const auto machine = make_machine();
    for (std::string address : machine->network().own_addresses()) {
        INFO(address);
        if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
        CHECK(machine->network().listen(address, 0)->port() != 0);
        CHECK_FALSE((address.starts_with("127.") || address == "::1"));
    }
}
