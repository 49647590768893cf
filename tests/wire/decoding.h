#pragma once

#include <catch2/catch.hpp>

#include <functional>
#include <optional>
#include <string_view>

#include "ft/base/error.h"
#include "ft/wire/reader.h"
#include "ft/wire/writer.h"
#include "support/streams.h"

namespace ft::test {

/// What `decode` makes of exactly `data`, given in pieces of `piece` bytes.
template <typename Decode>
auto decoded(std::span<const std::byte> data, Decode decode, std::size_t piece = 65536) {
    Bytes source{base::Bytes{data.begin(), data.end()}, piece};
    wire::Reader in{source};
    auto value = decode(in);
    CHECK(in.at_end());
    return value;
}

/// The kind of error that `decode` ends with on `data`; nothing when it ends with a value.
template <typename Decode>
std::optional<base::ErrorKind> refusal(std::span<const std::byte> data, Decode decode) {
    Bytes source{base::Bytes{data.begin(), data.end()}};
    wire::Reader in{source};
    try {
        decode(in);
        return std::nullopt;
    } catch (const base::Error& error) {
        return error.kind();
    }
}

/// `decode` needs every byte of `data`, and survives every flipped bit of it.
template <typename Decode>
void damage(std::span<const std::byte> data, Decode decode) {
    for (std::size_t length = 0; length < data.size(); ++length) {
        INFO("cut after " << length << " bytes");
        CHECK(refusal(data.first(length), decode) == base::ErrorKind::network);
    }
    for (std::size_t bit = 0; bit < data.size() * 8; ++bit) {
        INFO("flipped bit " << bit);
        base::Bytes flipped{data.begin(), data.end()};
        flipped[bit / 8] ^= std::byte{1} << (bit % 8);
        const auto kind = refusal(flipped, decode);
        CHECK((!kind || *kind == base::ErrorKind::peer || *kind == base::ErrorKind::network));
    }
}

inline base::Bytes from_hex(std::string_view hex) {
    base::Bytes bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes.push_back(static_cast<std::byte>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16)));
    }
    return bytes;
}

/// Remembers what was written and how often it was flushed.
class Collected : public base::ByteSink {
public:
    void write(std::span<const std::byte> data) override {
        bytes.insert(bytes.end(), data.begin(), data.end());
    }
    void flush() override { ++flushes; }
    base::Bytes bytes;
    int flushes = 0;
};

inline base::Bytes copy_of(std::span<const std::byte> data) { return {data.begin(), data.end()}; }

}  // namespace ft::test
