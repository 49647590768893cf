#include "ft/os/read_ahead.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>

using namespace ft;
using os::ReadAhead;

namespace {

constexpr std::size_t kPiece = 100'000;

std::byte at(std::uint64_t offset) { return static_cast<std::byte>(offset * 31 + offset / 4096); }

std::size_t fill(std::uint64_t offset, std::span<std::byte> into) {
    for (std::byte& each : into) each = at(offset++);
    return into.size();
}

/// How many bytes come, all of them right.
std::uint64_t length_of(ReadAhead& reading, std::uint64_t from) {
    std::uint64_t length = 0;
    for (auto piece = reading.next(); !piece.empty(); piece = reading.next()) {
        for (const std::byte each : piece) REQUIRE(each == at(from + length++));
    }
    return length;
}

}  // namespace

TEST_CASE("what is read ahead comes in order and whole", "[os]") {
    const std::uint64_t length = GENERATE(0u, 1u, 2 * kPiece + 1, 15 * kPiece, 17 * kPiece + 1);
    ReadAhead reading{fill, 17, length, kPiece};
    CHECK(length_of(reading, 17) == length);
    CHECK(reading.next().empty());
}

TEST_CASE("a read that is short is the last", "[os]") {
    const int pieces = GENERATE(4, 100);  // without and with a thread
    int reads = 0;
    ReadAhead reading{[&](std::uint64_t offset, std::span<std::byte> into) {
                          return ++reads == 3 ? fill(offset, into.first(100)) : fill(offset, into);
                      },
                      0, pieces * kPiece, kPiece};
    CHECK(length_of(reading, 0) == 2 * kPiece + 100);
    CHECK(reads == 3);
}

TEST_CASE("a failure comes after what was read before it", "[os]") {
    const int pieces = GENERATE(4, 100);
    ReadAhead reading{[](std::uint64_t offset, std::span<std::byte> into) {
                          if (offset > 0) throw std::runtime_error{"broken"};
                          return fill(offset, into);
                      },
                      0, pieces * kPiece, kPiece};
    CHECK(reading.next().size() == kPiece);
    CHECK_THROWS_AS(reading.next(), std::runtime_error);
    CHECK_THROWS_AS(reading.next(), std::runtime_error);
}

TEST_CASE("who needs no more of it need not take it", "[os]") {
    ReadAhead reading{fill, 0, std::uint64_t{1} << 60, kPiece};
    CHECK(reading.next().size() == kPiece);
}

namespace {

/// Ten bytes 'a', a hole up to 100, ten bytes 'b'; whoever reads the hole is told.
class Sparse : public os::File {
public:
    std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
        if (offset >= 110) return 0;
        if (offset >= 10 && offset < 100 && !into.empty()) throw std::runtime_error{"a hole was read"};
        const std::size_t length = std::min<std::size_t>(into.size(), (offset < 10 ? 10 : 110) - offset);
        std::fill_n(into.begin(), length, static_cast<std::byte>(offset < 10 ? 'a' : 'b'));
        return length;
    }
    std::uint64_t data_from(std::uint64_t offset) const override {
        return offset >= 10 && offset < 100 ? 100 : offset;
    }
    os::Status status() const override { return {.size = 110, .allocated = 20}; }
    void write_at(std::uint64_t, std::span<const std::byte>) override {}
    void set_size(std::uint64_t) override {}
    void set_attributes(const os::Attributes&) override {}
    void set_extended(std::string_view) override {}
    void sync() override {}
};

}  // namespace

TEST_CASE("holes are made, not read", "[os]") {
    const Sparse file;
    ReadAhead reading{os::content_of(file, true), 0, 110, 10};
    std::string content;
    for (auto piece = reading.next(); !piece.empty(); piece = reading.next()) content += base::as_text(piece);
    CHECK(content == std::string(10, 'a') + std::string(90, '\0') + std::string(10, 'b'));
    base::Bytes one(1);
    CHECK_THROWS_AS(os::content_of(file, false)(10, one), std::runtime_error);
}
