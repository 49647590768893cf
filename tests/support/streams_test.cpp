#include "support/streams.h"

#include <catch2/catch.hpp>
#include <thread>

#include "ft/base/error.h"

namespace ft::test {
namespace {

std::string read_to_end(base::ByteSource& source, std::vector<std::size_t>* pieces = nullptr) {
    std::string all;
    std::byte buffer[4096];
    while (const std::size_t length = source.read_some(buffer)) {
        all += base::as_text(std::span{buffer, length});
        if (pieces != nullptr) pieces->push_back(length);
    }
    return all;
}

std::string pattern(std::size_t length) {
    std::string text(length, ' ');
    for (std::size_t i = 0; i < length; ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
    return text;
}

base::ErrorKind error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const base::Error& error) {
        return error.kind();
    }
    return base::ErrorKind::internal;
}

TEST_CASE("a source of bytes gives all of them in pieces of the size that was asked for", "[support]") {
    Bytes source{std::string_view{"abcdefg"}, 3};
    std::vector<std::size_t> pieces;
    CHECK(read_to_end(source, &pieces) == "abcdefg");
    CHECK(pieces == std::vector<std::size_t>{3, 3, 1});
    CHECK(source.left() == 0);
}

TEST_CASE("a pipe carries both directions, in pieces, to the end of stream", "[support]") {
    auto [a, b] = make_pipe({.piece = 2});
    a->write(base::as_bytes("hello"));
    b->write(base::as_bytes("answer"));
    std::byte buffer[6];
    CHECK(a->read_some(buffer) == 6);
    CHECK(base::as_text(buffer) == "answer");
    a.reset();
    std::vector<std::size_t> pieces;
    CHECK(read_to_end(*b, &pieces) == "hello");
    CHECK(pieces == std::vector<std::size_t>{2, 2, 1});
    CHECK(error_of([&b = b] { b->write(base::as_bytes("x")); }) == base::ErrorKind::network);
}

TEST_CASE("a writer that is far ahead of its reader waits and loses nothing", "[support]") {
    auto [a, b] = make_pipe({.piece = 5, .room = 16});
    const std::string sent = pattern(5000);
    std::thread writer{[&sent, end = std::move(a)] { end->write(base::as_bytes(sent)); }};
    CHECK(read_to_end(*b) == sent);
    writer.join();
}

TEST_CASE("shutting an end down wakes its own blocked reader and writer", "[support]") {
    auto [a, b] = make_pipe({.room = 16});
    base::ErrorKind read_end{};
    base::ErrorKind write_end{};
    std::thread reader{[&a = a, &read_end] {
        read_end = error_of([&a] {
            std::byte one[1];
            a->read_some(one);
        });
    }};
    std::thread writer{
        [&a = a, &write_end] { write_end = error_of([&a] { a->write(base::as_bytes(pattern(1000))); }); }};
    a->shut_down();
    reader.join();
    writer.join();
    CHECK(read_end == base::ErrorKind::network);
    CHECK(write_end == base::ErrorKind::network);
}

TEST_CASE("a connection that is cut gives what was sent before and then fails on both sides", "[support]") {
    auto [a, b] = make_pipe({.cut_after = 4});
    CHECK(error_of([&a = a] { a->write(base::as_bytes("abcdef")); }) == base::ErrorKind::network);
    std::byte buffer[16];
    CHECK(b->read_some(buffer) == 4);
    CHECK(error_of([&] { b->read_some(buffer); }) == base::ErrorKind::network);
    CHECK(error_of([&b = b] { b->write(base::as_bytes("x")); }) == base::ErrorKind::network);
    CHECK(error_of([&] { a->read_some(buffer); }) == base::ErrorKind::network);
}

TEST_CASE("captured sessions can be read by name", "[support]") {
    CHECK(read_data("wire-captures/tiny.c2s.bin").size() > 100);
    CHECK_THROWS(read_data("wire-captures/none"));
}

}  // namespace
}  // namespace ft::test
