#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "ft/base/bytes.h"

namespace ft::rsync {

/// A daemon's end of the connection. Counts both directions, and before it waits for the client it sends what
/// was written: many small answers share a packet as long as the client has requests in our buffer.
class Channel : public base::ByteSource, public base::ByteSink {
public:
    explicit Channel(base::Stream& stream) : stream_{&stream}, written_to_{&stream} {}

    /// From now on writers use `sink` (frames over this channel).
    void flush_through(base::ByteSink& sink) { written_to_ = &sink; }

    std::size_t read_some(std::span<std::byte> into) override {
        written_to_->flush();
        const std::size_t length = stream_->read_some(into);
        bytes_read_ += length;
        return length;
    }
    void write(std::span<const std::byte> data) override {
        if (hold_back_) hold_back_(data.size());
        stream_->write(data);
        bytes_written_ += data.size();
    }
    /// From now on `wait` is called before so many bytes are written, and returns when they may.
    void hold_back(std::function<void(std::uint64_t)> wait) { hold_back_ = std::move(wait); }
    void flush() override { stream_->flush(); }

    std::uint64_t bytes_read() const { return bytes_read_; }
    std::uint64_t bytes_written() const { return bytes_written_; }

private:
    base::Stream* stream_;
    base::ByteSink* written_to_;
    std::function<void(std::uint64_t)> hold_back_;
    std::uint64_t bytes_read_ = 0;
    std::uint64_t bytes_written_ = 0;
};

}  // namespace ft::rsync
