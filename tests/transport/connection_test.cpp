#include "ft/transport/connection.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <functional>
#include <future>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ft/base/error.h"
#include "ft/os/machine.h"

namespace ft::transport {
namespace {

using base::Error;
using base::ErrorKind;
using namespace std::chrono_literals;

PairingCode make_code(unsigned char byte) {
    return PairingCode::generate(
        [&](std::span<std::byte> into) { std::fill(into.begin(), into.end(), std::byte{byte}); });
}

std::string error_of(const std::function<void()>& action) {
    try {
        action();
        return "";
    } catch (const Error& error) {
        return error.what();
    }
}

std::string read_all(base::ByteSource& source) {
    std::string all;
    std::array<std::byte, 5000> buffer;
    while (const std::size_t length = source.read_some(buffer)) all += base::as_text({buffer.data(), length});
    return all;
}

/// All that came until the other side closed or reset the connection.
std::string heard_until_closed(base::ByteSource& source) {
    std::string all;
    error_of([&] {
        std::array<std::byte, 100> buffer;
        while (const std::size_t length = source.read_some(buffer))
            all += base::as_text({buffer.data(), length});
    });
    return all;
}

void say(Connection& connection, std::string_view text) {
    connection.write(base::as_bytes(text));
    connection.flush();
}

/// A listener on loopback that answers each connection with its purpose and what it read.
class Source {
public:
    explicit Source(os::Network& network, bool allow_plain = false, Limits limits = {})
        : listener_{network, "127.0.0.1", 0, make_code(1), allow_plain, limits}, thread_{[this] {
              listener_.run([this](auto connection) { answer(*connection); },
                            [this](const std::string& peer, const std::string& reason) {
                                const std::lock_guard lock{mutex_};
                                refused_.push_back(peer + ": " + reason);
                                changed_.notify_all();
                            },
                            cancellation_);
          }} {}
    ~Source() { stop(); }
    void stop() {
        cancellation_.request("the end of the test");
        if (thread_.joinable()) thread_.join();
    }
    std::uint16_t port() const { return listener_.port(); }
    /// Waits for the first line about a refused connection.
    std::string refused() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return !refused_.empty(); });
        return refused_.front();
    }

private:
    static void answer(Connection& connection) {
        const std::string purpose = connection.purpose() == Purpose::control ? "control"
                                    : connection.purpose() == Purpose::rsync ? "rsync"
                                                                             : "plain";
        const std::string heard = read_all(connection);
        if (heard == "throw") throw Error{ErrorKind::peer, "a handler's error"};
        say(connection, connection.peer() + " " + purpose + " " + heard);
        connection.finish_writing();
    }

    base::Cancellation cancellation_;
    Listener listener_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> refused_;
    std::thread thread_;
};

struct Fixture {
    std::unique_ptr<os::Machine> machine = os::make_machine();
    os::Network& network = machine->network();
    base::Cancellation cancellation;

    std::unique_ptr<Connection> connect_to(std::uint16_t port, unsigned char code = 1,
                                           Purpose purpose = Purpose::control, Limits limits = {}) {
        return connect(network, "127.0.0.1", port, make_code(code), purpose, limits, cancellation);
    }
    std::unique_ptr<os::Socket> dial(std::uint16_t port) {
        return network.connect("127.0.0.1", port, 5s, cancellation);
    }
    std::string ask(std::uint16_t port, Purpose purpose, std::string_view text) {
        const auto connection = connect_to(port, 1, purpose);
        say(*connection, text);
        connection->finish_writing();
        return read_all(*connection);
    }
};

TEST_CASE_METHOD(Fixture, "the right code connects, and each side knows what for", "[transport]") {
    Source source{network};
    CHECK(ask(source.port(), Purpose::control, "hello") == "127.0.0.1 control hello");
    CHECK(ask(source.port(), Purpose::rsync, "@RSYNCD") == "127.0.0.1 rsync @RSYNCD");
}

TEST_CASE_METHOD(Fixture, "a server can wait for a client's first word, and reads it then", "[transport]") {
    std::promise<std::string> heard;
    Listener listener{network, "127.0.0.1", 0, make_code(1), true, {}};
    std::thread listening{[&] {
        listener.run(
            [&](auto connection) {
                std::string word = "cut";
                error_of([&] { word = connection->wait_for_peer() ? read_all(*connection) : "nothing"; });
                heard.set_value(word);
            },
            [](auto&, auto&) {}, cancellation);
    }};
    std::string expected;
    SECTION("a word") {
        const auto client = connect_to(listener.port(), 1, Purpose::rsync);
        say(*client, expected = "@RSYNCD");
        client->finish_writing();
    }
    SECTION("a plain word") {
        const auto client = dial(listener.port());
        client->write(base::as_bytes(expected = "@RSYNCD"));
        client->finish_writing();
        read_all(*client);
    }
    SECTION("an orderly end") {
        expected = "nothing";
        connect_to(listener.port(), 1, Purpose::rsync)->finish_writing();
    }
    SECTION("the end of the connection") {
        expected = "cut";
        connect_to(listener.port(), 1, Purpose::rsync)->shut_down();
    }
    CHECK(heard.get_future().get() == expected);
    cancellation.request("the end of the test");
    listening.join();
}

TEST_CASE_METHOD(Fixture, "a wrong code is one clear line on both sides", "[transport]") {
    Source source{network};
    const std::string at = "127.0.0.1:" + std::to_string(source.port());
    try {
        connect_to(source.port(), 2);
        FAIL("it connected");
    } catch (const Error& error) {
        CHECK(error.what() == at + ": the pairing code does not fit");
        CHECK(error.kind() == ErrorKind::stranger);
    }
    CHECK(source.refused() == "127.0.0.1: wrong pairing code");
    CHECK(ask(source.port(), Purpose::control, "again") == "127.0.0.1 control again");
}

TEST_CASE_METHOD(Fixture, "an error of one connection ends that connection only", "[transport]") {
    Source source{network};
    CHECK(error_of([&] { ask(source.port(), Purpose::control, "throw"); }) == "the connection was cut");
    CHECK(ask(source.port(), Purpose::control, "next") == "127.0.0.1 control next");
}

TEST_CASE_METHOD(Fixture, "a first byte of another protocol is closed at once", "[transport]") {
    Source source{network};
    const std::string first =
        GENERATE("GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n", "\x80\x2e\x01", "PROXY TCP4 ");
    const auto socket = dial(source.port());
    socket->write(base::as_bytes(first));
    CHECK(source.refused() == "127.0.0.1: neither TLS nor rsync");
    CHECK(heard_until_closed(*socket).empty());
}

TEST_CASE_METHOD(Fixture, "noise after TLS's first byte is refused", "[transport]") {
    Source source{network};
    const auto socket = dial(source.port());
    socket->write(base::as_bytes("\x16\x03\x01 and no hello, whatever the length says"));
    socket->finish_writing();
    CHECK_FALSE(source.refused().empty());
}

TEST_CASE_METHOD(Fixture, "plain rsync is told in its own words that it is not allowed", "[transport]") {
    Source source{network};
    const auto socket = dial(source.port());
    socket->write(base::as_bytes("@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4\n"));
    CHECK(read_all(*socket) ==
          "@RSYNCD: 32.0 sha512 sha256 sha1 md5\n@ERROR: plain rsync is not allowed here\n");
    socket->finish_writing();
    CHECK(source.refused() == "127.0.0.1: plain rsync, which is not allowed");
}

TEST_CASE_METHOD(Fixture, "plain rsync gets through with its first byte when it is allowed", "[transport]") {
    Source source{network, true};
    const auto socket = dial(source.port());
    socket->write(base::as_bytes("@RSYNCD: 31.0\n"));
    socket->finish_writing();
    CHECK(read_all(*socket) == "127.0.0.1 plain @RSYNCD: 31.0\n");
    CHECK(ask(source.port(), Purpose::rsync, "@") == "127.0.0.1 rsync @");
}

TEST_CASE_METHOD(Fixture, "a trickle does not keep an unproved connection", "[transport]") {
    Source source{network, false, {.handshake = 200ms}};
    const auto socket = dial(source.port());
    // One byte of a record of 16 KiB at a time, for as long as the other side listens.
    CHECK_FALSE(error_of([&] {
                    socket->write(base::as_bytes("\x16\x03\x01\x40"));
                    for (;;) {
                        socket->write(base::as_bytes("x"));
                        machine->clock().sleep(10ms, cancellation);
                    }
                }).empty());
    CHECK(source.refused() == "127.0.0.1: no answer within 0.2 s");
}

TEST_CASE_METHOD(Fixture, "silence ends at the handshake's deadline on either side", "[transport]") {
    Source source{network, false, {.handshake = 50ms}};
    const auto socket = dial(source.port());
    CHECK(source.refused() == "127.0.0.1: no answer within 0.05 s");

    const auto silent = network.listen("127.0.0.1", 0);
    CHECK(error_of([&] { connect_to(silent->port(), 1, Purpose::control, {.handshake = 50ms}); }) ==
          "127.0.0.1:" + std::to_string(silent->port()) + ": no answer within 0.05 s");
}

TEST_CASE_METHOD(Fixture, "a hundred idle connections do not keep a paired one out", "[transport]") {
    Source source{network};
    std::vector<std::unique_ptr<os::Socket>> idle;
    for (int i = 0; i < 100; ++i) idle.push_back(dial(source.port()));
    CHECK(ask(source.port(), Purpose::control, "let me in") == "127.0.0.1 control let me in");
    // The oldest had to go, but for seven that are within the limit of an address.
    for (std::size_t i = 0; i < 93; ++i) CHECK(heard_until_closed(*idle[i]).empty());
}

TEST_CASE_METHOD(Fixture, "stopping ends idle, unproved and busy connections", "[transport]") {
    Source source{network, true};
    const auto unproved = dial(source.port());
    const auto busy = connect_to(source.port());
    const auto plain = dial(source.port());
    plain->write(base::as_bytes("@"));
    source.stop();
    CHECK(error_of([&] { read_all(*busy); }) == "the connection was cut");
}

TEST_CASE_METHOD(Fixture, "a stop during the handshake ends it as cancelled", "[transport]") {
    const auto silent = network.listen("127.0.0.1", 0);
    std::thread stopper{[&] {
        const auto accepted = silent->accept();
        std::array<std::byte, 1> first;
        accepted->read_some(first);
        cancellation.request("the test");
    }};
    CHECK(error_of([&] { connect_to(silent->port()); }) == "interrupted by the test");
    stopper.join();
}

TEST_CASE_METHOD(Fixture, "a client says which other program answers", "[transport]") {
    struct Answer {
        std::string bytes;
        std::string line;
    };
    const auto answer =
        GENERATE(Answer{"@RSYNCD: 32.0 sha512\n", "a plain rsync daemon answers: it is no ft source"},
                 Answer{"220 mail ESMTP\r\n", "what answers does not speak TLS: it is no ft source"},
                 Answer{"", "the other side closed the connection at once"});
    const auto acceptor = network.listen("127.0.0.1", 0);
    std::thread server{[&] {
        const auto socket = acceptor->accept();
        socket->write(base::as_bytes(answer.bytes));
        socket->finish_writing();
        error_of([&] { read_all(*socket); });
    }};
    CHECK(error_of([&] { connect_to(acceptor->port()); }) ==
          "127.0.0.1:" + std::to_string(acceptor->port()) + ": " + answer.line);
    server.join();
}

TEST_CASE("addresses are read in all their forms", "[transport]") {
    const auto read = [](const std::string& text) {
        const Address address = parse_address(text);
        return address.host + " " + std::to_string(address.port);
    };
    CHECK(read("old.example.com") == "old.example.com 873");
    CHECK(read("old.example.com:8730") == "old.example.com 8730");
    CHECK(read("192.0.2.1:1") == "192.0.2.1 1");
    CHECK(read("2001:db8::1") == "2001:db8::1 873");
    CHECK(read("[2001:db8::1]") == "2001:db8::1 873");
    CHECK(read("[fe80::1%eth0]:65535") == "fe80::1%eth0 65535");
    CHECK(parse_address("host", 7).port == 7);
}

TEST_CASE("what is no address is a usage error that shows it escaped", "[transport]") {
    const std::string text = GENERATE(
        "", ":873", "[]", "[::1", "[::1]873", "[::1]:", "host:", "host:0", "host:65536", "host:-1", "host:+1",
        "host:8 3", "host:873x", "root@host", "rsync://host/m", "host/module", "a b", "\x1b[2J", "host\n");
    INFO(text);
    try {
        parse_address(text);
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        CHECK(std::string{error.what()}.find_first_of("\x1b\n") == std::string::npos);
    }
}

}  // namespace
}  // namespace ft::transport
