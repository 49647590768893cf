#include "ft/transport/pairing_code.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <utility>

#include "ft/base/error.h"

namespace ft::transport {
namespace {

/// The code whose byte i is `first` + i * `step`.
PairingCode make_code(unsigned first, unsigned step) {
    return PairingCode::generate([&](std::span<std::byte> into) {
        for (std::size_t i = 0; i < into.size(); ++i) into[i] = static_cast<std::byte>(first + i * step);
    });
}

/// Why `text` is refused; empty when it is a code.
std::string refusal(std::string_view text) {
    try {
        PairingCode::parse(text);
        return "";
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::usage);
        return error.what();
    }
}

TEST_CASE("a code is read back from what it prints", "[pairing_code]") {
    const auto code = make_code(GENERATE(0u, 1u, 0x80u, 0xffu), GENERATE(0u, 1u, 37u));
    CHECK(code.text().size() == 34);
    CHECK(PairingCode::parse(code.text()) == code);
}

TEST_CASE("a code's text and key are those of docs/protocol.md", "[pairing_code]") {
    const auto code = make_code(0, 1);
    CHECK(code.text() == "000G-40R4-0M30-E209-185G-R38E-1W0H");
    std::string key;
    for (const std::byte byte : code.key()) {
        key += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
        key += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
    }
    CHECK(key == "448bb9b3839f3093ed89d0ac24f42951622b1f115304df440c8418bbaa83b07c");
}

TEST_CASE("a code is read in any case, with look-alikes, spaces and hyphens anywhere", "[pairing_code]") {
    const auto code = make_code(0, 1);
    std::string typed = " \t";
    for (const char c : code.text()) {
        if (c == '-') continue;
        typed += c == '0' ? 'o' : c == '1' ? 'L' : static_cast<char>(std::tolower(c));
        typed += typed.size() % 3 == 0 ? "--" : " ";
    }
    CHECK(PairingCode::parse(typed + "\r\n") == code);
    for (char& c : typed) c = c == 'L' ? 'i' : c == 'o' ? 'O' : c;
    CHECK(PairingCode::parse(typed) == code);
}

TEST_CASE("every wrong character is found", "[pairing_code]") {
    const std::string right = make_code(GENERATE(0u, 3u, 0xf0u), GENERATE(0u, 41u)).text();
    for (std::size_t at = 0; at < right.size(); ++at) {
        if (right[at] == '-') continue;
        for (const char wrong : std::string{"0123456789ABCDEFGHJKMNPQRSTVWXYZ"}) {
            if (wrong == right[at]) continue;
            std::string typed = right;
            typed[at] = wrong;
            INFO(typed);
            CHECK(refusal(typed) == "the pairing code has a typing error");
        }
    }
}

TEST_CASE("every swap of two neighbours is found", "[pairing_code]") {
    const std::string shown = make_code(GENERATE(3u, 0xf0u, 0x55u), GENERATE(1u, 41u)).text();
    std::string right;
    for (const char c : shown) {
        if (c != '-') right += c;
    }
    for (std::size_t at = 1; at < right.size(); ++at) {
        if (right[at] == right[at - 1]) continue;
        std::string typed = right;
        std::swap(typed[at], typed[at - 1]);
        INFO(typed);
        CHECK(refusal(typed) == "the pairing code has a typing error");
    }
}

TEST_CASE("a code of the wrong length or with foreign characters is refused without being shown",
          "[pairing_code]") {
    const std::string right = make_code(7, 11).text();
    CHECK(refusal("") == "the pairing code has 0 of 28 characters");
    CHECK(refusal(right.substr(0, right.size() - 1)) == "the pairing code has 27 of 28 characters");
    CHECK(refusal(right + "0") == "the pairing code is longer than 28 characters");
    CHECK(refusal("U" + right.substr(1)) == "the pairing code holds a character that no code has");
    CHECK(refusal(right + std::string(1, '\0')) == "the pairing code holds a character that no code has");
    CHECK(refusal("\xc3\xa9" + right) == "the pairing code holds a character that no code has");
}

}  // namespace
}  // namespace ft::transport
