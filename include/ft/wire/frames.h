#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "ft/base/bytes.h"
#include "ft/wire/reader.h"

namespace ft::wire {

/// The messages that may be seen between a daemon that sends and its client.
enum class MessageCode : std::uint8_t {
    data = 0,
    error_xfer = 1,   ///< text: an object could not be handled
    info = 2,         ///< text
    error = 3,        ///< text; usually the end follows
    warning = 4,      ///< text
    io_error = 22,    ///< bits to add to the state
    io_timeout = 33,  ///< the daemon's timeout in seconds, from protocol 31
    noop = 42,        ///< keep-alive of protocol 30; never seen by a handler
    error_exit = 86,  ///< the peer dies; an exit code, or none as an answer
    no_send = 102,    ///< index of a requested file that will not come
};

enum class Direction { to_client, to_server };

struct Message {
    MessageCode code = MessageCode::info;
    std::string_view text{};  ///< of text messages, as received (usually with '\n'): escape before showing it
    std::int32_t number = 0;  ///< of the others; io_error: bits 0 to 2 only
    bool empty = false;       ///< error_exit without a code
};

/// The data stream of one direction, taken out of its frames. Data is streamed: a frame's length allocates
/// nothing. Errors: peer for codes that are not legal in this direction, wrong lengths and values, floods
/// (10^5 empty frames in a row, 10^5 messages or 64 MiB of them a session; a no_send counts only its bytes:
/// the handler knows whether a request is open); network when the stream ends within a frame.
class FrameReader : public base::ByteSource {
public:
    using Handler = std::function<void(const Message&)>;
    /// Refers to `raw`. `handle` is called from read_some, between any two bytes of data; it may throw.
    FrameReader(Reader& raw, Direction direction, int protocol, Handler handle);

    std::size_t read_some(std::span<std::byte> into) override;

private:
    bool next_frame();
    void take_message(MessageCode code, std::size_t length);

    Reader* raw_;
    Direction direction_;
    int protocol_;
    Handler handle_;
    std::size_t left_ = 0;    // bytes of the current data frame
    std::uint32_t idle_ = 0;  // frames in a row that brought nothing
    std::uint32_t messages_ = 0;
    std::uint64_t message_bytes_ = 0;
};

/// Puts data into frames of at most 64 KiB. One thread.
class FrameWriter : public base::ByteSink {
public:
    explicit FrameWriter(base::ByteSink& sink);  ///< refers to `sink`

    void write(std::span<const std::byte> data) override;
    void flush() override;
    /// Sends a message after the data written so far; flushes nothing. Error internal above 5119 bytes.
    void message(MessageCode code, std::span<const std::byte> payload);
    void message(MessageCode code, std::string_view text);
    void message(MessageCode code, std::int32_t number);
    /// An empty data frame after the data written so far, flushed.
    void keep_alive();

private:
    void send_data();

    base::ByteSink* sink_;
    base::Bytes buffer_;  // a frame: head, then data
};

}  // namespace ft::wire
