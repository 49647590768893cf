#include "ft/base/escape.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "ft/base/error.h"

using namespace ft::base;

TEST_CASE("every byte, alone and between letters, comes back from its escape", "[base]") {
    for (int value = 0; value < 256; ++value) {
        const std::string alone(1, static_cast<char>(value));
        const std::string between = "a" + alone + "b";
        INFO("byte " << value);
        CHECK(unescape(escape(alone)) == alone);
        CHECK(unescape(escape(between)) == between);
    }
}

TEST_CASE("every pair of bytes comes back from its escape, which has no control character", "[base]") {
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const std::string pair{static_cast<char>(first), static_cast<char>(second)};
            const std::string shown = escape(pair);
            for (const char c : shown) REQUIRE((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
            REQUIRE(unescape(shown) == pair);
        }
    }
}

TEST_CASE("printable UTF-8 stays as it is", "[base]") {
    for (const std::string text : {"plain name.txt", "Grüße", "日本語", "naïve 🎉", "~!@#$%^&*()'\""}) {
        CHECK(escape(text) == text);
    }
}

TEST_CASE("what would move the cursor, reorder a line or hide is escaped byte by byte", "[base]") {
    CHECK(escape("a\x1b[2Jb") == "a\\x1b[2Jb");
    CHECK(escape("line\nline\r") == "line\\x0aline\\x0d");
    CHECK(escape("back\\slash") == "back\\x5cslash");
    CHECK(escape("\x7f") == "\\x7f");
    CHECK(escape("\xc2\x9b") == "\\xc2\\x9b");           // CSI as one character
    CHECK(escape("\xe2\x80\xae") == "\\xe2\\x80\\xae");  // right-to-left override
    CHECK(escape("\xe2\x80\x8b") == "\\xe2\\x80\\x8b");  // zero-width space
    CHECK(escape(std::string("\0x", 2)) == "\\x00x");
}

TEST_CASE("bytes that are no well-formed UTF-8 are escaped and the rest is kept", "[base]") {
    CHECK(escape("a\xff") == "a\\xff");
    CHECK(escape("\xc0\xaf") == "\\xc0\\xaf");                    // overlong
    CHECK(escape("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // surrogate
    CHECK(escape("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
    CHECK(escape("\xe2\x82") == "\\xe2\\x82");                    // cut short
    CHECK(escape("\xe2\x82z") == "\\xe2\\x82z");
}

TEST_CASE("a backslash that begins no escape is refused", "[base]") {
    for (const std::string text :
         {"\\", "\\x", "\\x1", "\\n", "\\xzz", "\\x1G", "\\X41", "a\\\\b", "\\xAB"}) {
        INFO(text);
        CHECK_THROWS_AS(unescape(text), Error);
    }
}
