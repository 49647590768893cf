#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ft::base {

using Bytes = std::vector<std::byte>;

/// Where bytes come from: a TLS session, a socket, an array in a test. One reading thread.
class ByteSource {
public:
    virtual ~ByteSource() = default;
    /// Fills a non-empty prefix of `into` and returns its length in bytes; 0 means end of stream.
    /// Errors: network (lost, silent for too long), cancelled.
    virtual std::size_t read_some(std::span<std::byte> into) = 0;
};

/// Where bytes go. One writing thread, which may be another than the reading one.
class ByteSink {
public:
    virtual ~ByteSink() = default;
    /// Writes all of `data`; it may be sent later, but not later than the next flush.
    virtual void write(std::span<const std::byte> data) = 0;
    virtual void flush() = 0;
};

/// Both directions of a connection.
class Stream : public ByteSource, public ByteSink {
public:
    /// Ends both directions: blocked calls return with Error network. Any thread.
    virtual void shut_down() noexcept = 0;
};

inline std::span<const std::byte> as_bytes(std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
}
inline std::string_view as_text(std::span<const std::byte> data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

}  // namespace ft::base
