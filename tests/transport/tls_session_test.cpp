#include "transport/tls_session.h"

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "ft/base/error.h"
#include "support/streams.h"

namespace ft::transport {
namespace {

using Key = std::array<std::byte, 32>;
using Role = TlsSession::Role;

Key make_key(unsigned char byte) {
    Key key;
    key.fill(std::byte{byte});
    return key;
}

/// What `action` throws: "" when nothing.
std::string error_of(const std::function<void()>& action) {
    try {
        action();
        return "";
    } catch (const base::Error& error) {
        return error.what();
    }
}

/// Runs all at the same time; what each threw.
std::vector<std::string> at_once(std::vector<std::function<void()>> actions) {
    std::vector<std::string> errors(actions.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < actions.size(); ++i) {
        threads.emplace_back([&, i] { errors[i] = error_of(actions[i]); });
    }
    for (std::thread& thread : threads) thread.join();
    return errors;
}

/// Two sessions over a pipe.
struct Pair {
    explicit Pair(test::PipeOptions to_server = {}, test::PipeOptions to_client = {},
                  unsigned char server_key = 1, std::string_view protocol = kControlProtocol)
        : pipe{test::make_pipe(to_server, to_client)},
          client{*pipe.first, Role::client, make_key(1), protocol},
          server{*pipe.second, Role::server, make_key(server_key)} {}
    std::vector<std::string> handshake() {
        return at_once({[this] { client.handshake(); }, [this] { server.handshake(); }});
    }
    std::pair<std::unique_ptr<base::Stream>, std::unique_ptr<base::Stream>> pipe;
    TlsSession client;
    TlsSession server;
};

const std::vector<std::string> kFine{"", ""};

std::string read_all(TlsSession& session) {
    std::string all;
    std::array<std::byte, 5000> buffer;
    while (const std::size_t length = session.read_some(buffer))
        all += base::as_text({buffer.data(), length});
    return all;
}

/// `length` bytes that no compression or repetition makes equal to others of another `seed`.
std::string make_noise(std::size_t length, std::uint32_t seed) {
    std::string noise(length, '\0');
    for (char& c : noise) c = static_cast<char>((seed = seed * 1664525u + 1013904223u) >> 24);
    return noise;
}

TEST_CASE("the same key on both sides agrees on the client's protocol", "[tls]") {
    const auto protocol = GENERATE(kControlProtocol, kRsyncProtocol);
    const std::size_t piece = GENERATE(1u, 7u, 65536u);
    Pair pair{{.piece = piece}, {.piece = piece}, 1, protocol};
    CHECK(pair.handshake() == kFine);
    CHECK(pair.client.protocol() == protocol);
    CHECK(pair.server.protocol() == protocol);
}

TEST_CASE("much data flows both ways at once, written and read by different threads", "[tls]") {
    Pair pair{{.piece = 3000, .room = 20000}, {.piece = 70000, .room = 20000}};
    REQUIRE(pair.handshake() == kFine);
    const std::string up = make_noise(3'000'001, 1);
    const std::string down = make_noise(2'500'003, 2);
    const auto send = [](TlsSession& session, const std::string& text) {
        std::size_t piece = 1;
        for (std::size_t at = 0; at < text.size(); at += piece, piece = piece % 40000 * 3 + 1) {
            session.write(base::as_bytes(std::string_view{text}.substr(at, piece)));
            if (piece < 100) session.flush();
        }
        session.finish_writing();
    };
    std::string received_up;
    std::string received_down;
    CHECK(at_once({[&] { send(pair.client, up); }, [&] { send(pair.server, down); },
                   [&] { received_up = read_all(pair.server); },
                   [&] { received_down = read_all(pair.client); }}) == std::vector<std::string>(4));
    CHECK(received_up == up);
    CHECK(received_down == down);
    CHECK(pair.client.bytes_sent() == pair.server.bytes_received());
    CHECK(pair.server.bytes_sent() == pair.client.bytes_received());
    CHECK(pair.client.bytes_sent() > up.size());
}

TEST_CASE("a wrong key ends the handshake on both sides with a clear line", "[tls]") {
    Pair pair{{}, {}, 2};
    CHECK(pair.handshake() ==
          std::vector<std::string>{"the pairing code does not fit", "wrong pairing code"});
}

TEST_CASE("nothing leaves before flush, all of it with flush", "[tls]") {
    Pair pair;
    REQUIRE(pair.handshake() == kFine);
    const auto before = pair.client.bytes_sent();
    pair.client.write(base::as_bytes("hello"));
    CHECK(pair.client.bytes_sent() == before);
    pair.client.flush();
    // A record: five bytes of head, one of type, sixteen of authentication.
    CHECK(pair.client.bytes_sent() == before + 5 + 5 + 1 + 16);
    std::array<std::byte, 100> buffer;
    CHECK(base::as_text({buffer.data(), pair.server.read_some(buffer)}) == "hello");
}

TEST_CASE("one direction can end while the other goes on", "[tls]") {
    Pair pair;
    REQUIRE(pair.handshake() == kFine);
    pair.client.finish_writing();
    CHECK(read_all(pair.server).empty());
    pair.server.write(base::as_bytes("still here"));
    pair.server.finish_writing();
    CHECK(read_all(pair.client) == "still here");
    CHECK(read_all(pair.client).empty());
}

TEST_CASE("a stream cut at any byte is an error and never an end of data", "[tls]") {
    const std::string sent = make_noise(300, 3);
    std::uint64_t whole = 0;
    {
        Pair pair;
        REQUIRE(pair.handshake() == kFine);
        pair.server.write(base::as_bytes(sent));
        pair.server.finish_writing();
        whole = pair.server.bytes_sent();
    }
    for (std::uint64_t cut = 1; cut < whole; ++cut) {
        INFO("cut after byte " << cut << " of " << whole);
        Pair pair{{}, {.cut_after = cut}};
        std::string received;
        bool ended = false;
        const auto errors = at_once({[&] {
                                         pair.client.handshake();
                                         std::array<std::byte, 100> buffer;
                                         while (const std::size_t length = pair.client.read_some(buffer)) {
                                             received += base::as_text({buffer.data(), length});
                                         }
                                         ended = true;
                                     },
                                     [&] {
                                         pair.server.handshake();
                                         pair.server.write(base::as_bytes(sent));
                                         pair.server.finish_writing();
                                     }});
        CHECK_FALSE(ended);
        CHECK_FALSE(errors[0].empty());
        CHECK(received == sent.substr(0, received.size()));
    }
}

TEST_CASE("an orderly end of the stream below without close_notify is an error", "[tls]") {
    Pair pair;
    REQUIRE(pair.handshake() == kFine);
    pair.server.write(base::as_bytes("part"));
    pair.server.flush();
    pair.pipe.second.reset();
    std::array<std::byte, 100> buffer;
    CHECK(pair.client.read_some(buffer) == 4);
    CHECK(error_of([&] { pair.client.read_some(buffer); }) == "the connection was cut");
    CHECK(error_of([&] { pair.client.read_some(buffer); }) == "the connection was cut");
}

TEST_CASE("a client tells apart what answers", "[tls]") {
    struct Answer {
        std::string bytes;
        std::string line;
    };
    const auto answer = GENERATE(
        Answer{"@RSYNCD: 32.0 sha512 md5\n", "a plain rsync daemon answers: it is no ft source"},
        Answer{"HTTP/1.1 400 Bad Request\r\n", "what answers does not speak TLS: it is no ft source"},
        Answer{"SSH-2.0-OpenSSH_9.2\r\n", "what answers does not speak TLS: it is no ft source"},
        // Alert records: protocol version, handshake failure, close notify at the wrong place.
        Answer{{"\x15\x03\x01\x00\x02\x02\x46", 7},
               "what answers speaks TLS without ft's pre-shared key: it is no ft source"},
        Answer{{"\x15\x03\x03\x00\x02\x02\x28", 7},
               "what answers speaks TLS without ft's pre-shared key: it is no ft source"},
        Answer{{"\x15\x03\x03\x00\x02\x02\x33", 7}, "the pairing code does not fit"});
    auto pipe = test::make_pipe();
    TlsSession client{*pipe.first, Role::client, make_key(1), kControlProtocol};
    pipe.second->write(base::as_bytes(answer.bytes));
    CHECK(error_of([&] { client.handshake(); }) == answer.line);
}

TEST_CASE("a server ends on anything but a proof of the key", "[tls]") {
    const std::string noise = GENERATE(std::string{"\x16\x03\x01\x00\x05hello", 10}, make_noise(3000, 9),
                                       std::string{"\x16\x03\x01\xff\xff", 5} + make_noise(70000, 8));
    auto pipe = test::make_pipe();
    TlsSession server{*pipe.second, Role::server, make_key(1)};
    pipe.first->write(base::as_bytes(noise));
    CHECK_FALSE(error_of([&] { server.handshake(); }).empty());
}

TEST_CASE("a recorded hello proves nothing, whole, damaged or cut", "[tls]") {
    std::string hello;
    {
        auto pipe = test::make_pipe();
        TlsSession client{*pipe.first, Role::client, make_key(1), kControlProtocol};
        const auto stop = [] { throw base::Error{base::ErrorKind::network, "recorded"}; };
        REQUIRE(error_of([&] { client.handshake(stop); }) == "recorded");
        std::array<std::byte, 4096> buffer;
        hello = base::as_text({buffer.data(), pipe.second->read_some(buffer)});
    }
    const auto replay = [](const std::string& bytes) {
        auto pipe = test::make_pipe();
        TlsSession server{*pipe.second, Role::server, make_key(1)};
        pipe.first->write(base::as_bytes(bytes));
        // The replayer says no more, and hears what the server says only when that has ended.
        return error_of([&] {
            server.handshake([&, waits = 0]() mutable {
                if (++waits > 1) throw base::Error{base::ErrorKind::network, "silence"};
            });
        });
    };
    CHECK(replay(hello) == "silence");
    for (std::size_t at = 0; at < hello.size(); ++at) {
        INFO("byte " << at << " of " << hello.size());
        std::string damaged = hello;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
        CHECK_FALSE(replay(damaged).empty());
        CHECK_FALSE(replay(hello.substr(0, at + 1)).empty());
    }
}

}  // namespace
}  // namespace ft::transport
