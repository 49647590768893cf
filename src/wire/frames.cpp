#include "ft/wire/frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "ft/wire/writer.h"

namespace ft::wire {
namespace {

constexpr std::uint32_t kTag = 7;  // added to every code
constexpr std::size_t kHead = 4;
constexpr std::size_t kLongestFrame = 65536;
constexpr std::size_t kLongestText = 8191;
constexpr std::size_t kLongestSent = 5119;      // what stock peers take
constexpr std::uint32_t kIdleFrames = 100'000;  // a sign of life every 5 s for five days
constexpr std::uint32_t kMessages = 100'000;
constexpr std::uint64_t kMessageBytes = 64U << 20;
constexpr std::int32_t kLongestTimeout = 86400;

bool is_text(MessageCode code) { return code >= MessageCode::error_xfer && code <= MessageCode::warning; }

bool is_legal(MessageCode code, Direction direction, int protocol) {
    switch (code) {
        case MessageCode::noop:
            return protocol < 31;
        case MessageCode::error_exit:
            return protocol >= 31;
        case MessageCode::io_timeout:
            return direction == Direction::to_client && protocol >= 31;
        case MessageCode::io_error:
        case MessageCode::no_send:
            return direction == Direction::to_client;
        default:
            return direction == Direction::to_client && is_text(code);
    }
}

bool is_legal_length(MessageCode code, std::size_t length) {
    if (is_text(code)) return length <= kLongestText;
    if (code == MessageCode::noop) return length == 0;
    return length == 4 || (length == 0 && code == MessageCode::error_exit);
}

std::int32_t read_number(Reader& raw, MessageCode code) {
    switch (code) {
        case MessageCode::io_error:
            return raw.int32("I/O error message") & 7;
        case MessageCode::io_timeout:
            return raw.int32("timeout message", 1, kLongestTimeout);
        case MessageCode::no_send:
            return raw.int32("index that is not sent", 0, INT32_MAX);
        default:
            return raw.int32("exit message");
    }
}

}  // namespace

FrameReader::FrameReader(Reader& raw, Direction direction, int protocol, Handler handle)
    : raw_{&raw}, direction_{direction}, protocol_{protocol}, handle_{std::move(handle)} {}

std::size_t FrameReader::read_some(std::span<std::byte> into) {
    while (left_ == 0) {
        if (!next_frame()) return 0;
    }
    const auto got = raw_->piece("data frame", std::min(left_, into.size()));
    std::copy(got.begin(), got.end(), into.begin());
    left_ -= got.size();
    idle_ = 0;
    return got.size();
}

bool FrameReader::next_frame() {
    if (raw_->at_end()) return false;
    const auto head = static_cast<std::uint32_t>(raw_->int32("frame head"));
    const std::size_t length = head & 0xffffff;
    if (head >> 24 < kTag) throw malformed("frame head", fmt::format("is 0x{:08x}, which is none", head));
    const auto code = static_cast<MessageCode>((head >> 24) - kTag);
    left_ = code == MessageCode::data ? length : 0;
    if (code != MessageCode::data) take_message(code, length);
    if (length == 0 && ++idle_ > kIdleFrames)
        throw malformed("stream", "has more than 100000 empty frames in a row");
    return true;
}

void FrameReader::take_message(MessageCode code, std::size_t length) {
    if (!is_legal(code, direction_, protocol_)) {
        throw malformed("message code", fmt::format("{} is not legal here", static_cast<int>(code)));
    }
    if (!is_legal_length(code, length)) {
        throw malformed("message", fmt::format("of code {} has {} bytes", static_cast<int>(code), length));
    }
    message_bytes_ += length;
    if (code != MessageCode::no_send) ++messages_;
    if (messages_ > kMessages || message_bytes_ > kMessageBytes)
        throw malformed("message", "is one too many");
    Message message{.code = code, .empty = length == 0};
    std::string text;
    if (is_text(code)) {
        message.text = text = raw_->text("message", length);
    } else if (length > 0) {
        message.number = read_number(*raw_, code);
    }
    if (code != MessageCode::noop) handle_(message);
}

FrameWriter::FrameWriter(base::ByteSink& sink) : sink_{&sink}, buffer_(kHead) {
    buffer_.reserve(kHead + kLongestFrame);
}

void FrameWriter::write(std::span<const std::byte> data) {
    while (!data.empty()) {
        const std::size_t size = std::min(data.size(), kHead + kLongestFrame - buffer_.size());
        buffer_.insert(buffer_.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size));
        data = data.subspan(size);
        if (buffer_.size() == kHead + kLongestFrame) send_data();
    }
}

void FrameWriter::flush() {
    send_data();
    sink_->flush();
}

void FrameWriter::send_data() {
    if (buffer_.size() == kHead) return;
    Writer head;
    head.int32(static_cast<std::int32_t>(kTag << 24 | (buffer_.size() - kHead)));
    std::copy(head.written().begin(), head.written().end(), buffer_.begin());
    sink_->write(buffer_);
    buffer_.resize(kHead);
}

void FrameWriter::message(MessageCode code, std::span<const std::byte> payload) {
    if (payload.size() > kLongestSent)
        throw base::Error{base::ErrorKind::internal, "a message above 5119 bytes"};
    send_data();
    Writer frame;
    frame.int32(static_cast<std::int32_t>((kTag + static_cast<std::uint32_t>(code)) << 24 | payload.size()));
    frame.bytes(payload);
    sink_->write(frame.written());
}

void FrameWriter::message(MessageCode code, std::string_view text) { message(code, base::as_bytes(text)); }

void FrameWriter::message(MessageCode code, std::int32_t number) {
    Writer payload;
    payload.int32(number);
    message(code, payload.written());
}

void FrameWriter::keep_alive() {
    message(MessageCode::data, std::span<const std::byte>{});
    flush();
}

}  // namespace ft::wire
