#include <catch2/catch.hpp>

#include "ft/wire/frames.h"
#include "wire/decoding.h"

using namespace ft;
using base::ErrorKind;
using wire::Direction;
using wire::FrameReader;
using wire::FrameWriter;
using wire::MessageCode;
using wire::Reader;

namespace {

struct Heard {
    std::string data;
    std::vector<std::string> messages;
    bool operator==(const Heard&) const = default;
};

Heard listen(std::span<const std::byte> stream, Direction direction, int protocol,
             std::size_t piece = 65536) {
    Heard heard;
    test::Bytes source{test::copy_of(stream), piece};
    Reader raw{source};
    FrameReader frames{raw, direction, protocol, [&](const wire::Message& message) {
                           heard.messages.push_back(std::to_string(static_cast<int>(message.code)) + ":" +
                                                    std::string{message.text} +
                                                    std::to_string(message.number) +
                                                    (message.empty ? "-" : ""));
                       }};
    Reader in{frames};
    while (!in.at_end()) heard.data += base::as_text(in.piece("data", 1000));
    return heard;
}

std::optional<ErrorKind> refusal_of(std::string_view hex, Direction direction, int protocol = 32) {
    try {
        listen(test::from_hex(hex), direction, protocol);
        return std::nullopt;
    } catch (const base::Error& error) {
        return error.kind();
    }
}

}  // namespace

TEST_CASE("data and messages come out of the frames as they went in, however the stream is cut", "[wire]") {
    const auto piece = GENERATE(1u, 3u, 16u);
    test::Collected sink;
    FrameWriter out{sink};
    out.write(base::as_bytes("hello "));
    out.message(MessageCode::error_xfer, "cannot open it\n");
    out.write(base::as_bytes("wor"));
    out.write(base::as_bytes("ld"));
    out.message(MessageCode::no_send, 17);
    out.message(MessageCode::io_error, 9);
    out.keep_alive();
    out.message(MessageCode::io_timeout, 60);
    out.message(MessageCode::error_exit, 23);
    out.message(MessageCode::error_exit, std::string_view{});
    CHECK(listen(sink.bytes, Direction::to_client, 32, piece) ==
          Heard{.data = "hello world",
                .messages = {"1:cannot open it\n0", "102:17", "22:1", "33:60", "86:23", "86:0-"}});
}

TEST_CASE("data is held back until a flush or 64 KiB", "[wire]") {
    test::Collected sink;
    FrameWriter out{sink};
    out.write(base::as_bytes(std::string(70000, 'x')));
    CHECK(sink.bytes.size() == 65540);
    CHECK(base::Bytes(sink.bytes.begin(), sink.bytes.begin() + 4) == test::from_hex("00000107"));
    out.flush();
    CHECK(sink.bytes.size() == 70008);
    CHECK(sink.flushes == 1);
    out.flush();
    CHECK(sink.bytes.size() == 70008);
}

TEST_CASE("each direction has its own messages", "[wire]") {
    const auto [hex, to_client, to_server] = GENERATE(table<const char*, bool, bool>({
        {"01000007"
         "41",
         true, true},
        {"01000008"
         "41",
         true, false},
        {"01000009"
         "41",
         true, false},
        {"0100000a"
         "41",
         true, false},
        {"0100000b"
         "41",
         true, false},
        {"0100000c"
         "41",
         false, false},
        {"0100000f"
         "41",
         false, false},
        {"04000010"
         "00000000",
         false, false},
        {"0400001d"
         "01000000",
         true, false},
        {"04000028"
         "01000000",
         true, false},
        {"0000005d", true, true},
        {"0400005d"
         "17000000",
         true, true},
        {"0400006b"
         "00000000",
         false, false},
        {"0100006c"
         "41",
         false, false},
        {"0400006d"
         "00000000",
         true, false},
        {"00000006", false, false},
        {"000000ff", false, false},
    }));
    INFO(hex);
    CHECK(refusal_of(hex, Direction::to_client) ==
          (to_client ? std::nullopt : std::optional{ErrorKind::peer}));
    CHECK(refusal_of(hex, Direction::to_server) ==
          (to_server ? std::nullopt : std::optional{ErrorKind::peer}));
}

TEST_CASE("messages of another protocol number are refused", "[wire]") {
    CHECK(refusal_of("00000031", Direction::to_client, 30) == std::nullopt);
    CHECK(refusal_of("00000031", Direction::to_client, 31) == ErrorKind::peer);
    CHECK(refusal_of("04000028"
                     "01000000",
                     Direction::to_client, 30) == ErrorKind::peer);
    CHECK(refusal_of("0000005d", Direction::to_server, 30) == ErrorKind::peer);
}

TEST_CASE("messages of a wrong length or value are refused", "[wire]") {
    CHECK(refusal_of("0300001d"
                     "010000",
                     Direction::to_client) == ErrorKind::peer);
    CHECK(refusal_of("0500006d"
                     "0100000000",
                     Direction::to_client) == ErrorKind::peer);
    CHECK(refusal_of("0100005d"
                     "01",
                     Direction::to_client) == ErrorKind::peer);
    CHECK(refusal_of("00200009", Direction::to_client) == ErrorKind::peer);     // 8192 bytes of text
    CHECK(refusal_of("ff1f0009", Direction::to_client) == ErrorKind::network);  // 8191, not there
    CHECK(refusal_of("04000028"
                     "00000000",
                     Direction::to_client) == ErrorKind::peer);
    CHECK(refusal_of("04000028"
                     "81510100",
                     Direction::to_client) == ErrorKind::peer);  // 86401 seconds
    CHECK(refusal_of("0400006d"
                     "ffffffff",
                     Direction::to_client) == ErrorKind::peer);
}

TEST_CASE("a flood of empty frames is refused, signs of life between data are not", "[wire]") {
    const auto frames = [](int idle, int data, int idle_again) {
        base::Bytes stream;
        const auto add = [&](int times, std::string_view hex) {
            const base::Bytes frame = test::from_hex(hex);
            for (int i = 0; i < times; ++i) stream.insert(stream.end(), frame.begin(), frame.end());
        };
        add(idle, "00000007");
        add(data, "0100000741");
        add(idle_again, "00000007");
        return stream;
    };
    CHECK_NOTHROW(listen(frames(100'000, 1, 100'000), Direction::to_server, 32));
    CHECK_THROWS_AS(listen(frames(0, 1, 100'001), Direction::to_server, 32), base::Error);
}

TEST_CASE("a flood of messages is refused, answers to requests are none", "[wire]") {
    base::Bytes stream;
    const auto add = [&](std::string_view hex, int times) {
        const base::Bytes message = test::from_hex(hex);
        for (int i = 0; i < times; ++i) stream.insert(stream.end(), message.begin(), message.end());
    };
    const char* const text = "0100000941";
    add("0400006d01000000", 100'001);  // "not sent"
    add(text, 100'000);
    CHECK(listen(stream, Direction::to_client, 32).messages.size() == 200'001);
    add(text, 1);
    CHECK_THROWS_AS(listen(stream, Direction::to_client, 32), base::Error);
}

TEST_CASE("a frame that is cut anywhere is an ended connection", "[wire]") {
    const base::Bytes whole = test::from_hex(
        "03000007"
        "414243"
        "0400006d"
        "01000000");
    for (std::size_t length = 1; length < whole.size(); ++length) {
        INFO(length);
        if (length == 7) continue;  // between two frames: an orderly end
        CHECK_THROWS_AS(listen(std::span{whole}.first(length), Direction::to_client, 32), base::Error);
    }
    CHECK(listen({}, Direction::to_client, 32) == Heard{});
}
