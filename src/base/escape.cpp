#include "ft/base/escape.h"

#include <fmt/format.h>

#include <cstdint>

#include "ft/base/error.h"

namespace ft::base {
namespace {

/// Length in bytes of the well-formed UTF-8 sequence at the front of `text`, 0 when there is none; its
/// code point in `point`. Overlong forms and surrogates are not well-formed.
std::size_t sequence_length(std::string_view text, std::uint32_t& point) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t first = byte(0);
    if (first < 0x80) {
        point = first;
        return 1;
    }
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    point = first & (0xffu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
        point = point << 6 | (byte(i) & 0x3f);
    }
    static constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    return point < kSmallest[length] || surrogate || point > 0x10ffff ? 0 : length;
}

/// True for what would move the cursor, reorder the line or be invisible.
bool is_hidden(std::uint32_t point) {
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0xad || point == 0x061c ||
           point == 0x180e || (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x206f) || point == 0xfeff || (point >= 0xfff9 && point <= 0xfffb) ||
           (point >= 0xe0000 && point <= 0xe0fff);
}

int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return -1;
}

}  // namespace

std::string escape(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    while (!bytes.empty()) {
        std::uint32_t point = 0;
        const std::size_t length = sequence_length(bytes, point);
        const std::size_t taken = length == 0 ? 1 : length;
        if (length == 0 || is_hidden(point) || point == '\\') {
            for (const char c : bytes.substr(0, taken))
                out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(c));
        } else {
            out += bytes.substr(0, taken);
        }
        bytes.remove_prefix(taken);
    }
    return out;
}

std::string unescape(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        if (text[0] != '\\') {
            out += text[0];
            text.remove_prefix(1);
            continue;
        }
        const int high = text.size() >= 4 && text[1] == 'x' ? hex_value(text[2]) : -1;
        const int low = high >= 0 ? hex_value(text[3]) : -1;
        if (low < 0) throw Error{ErrorKind::usage, "a backslash that is no escape"};
        out += static_cast<char>(high * 16 + low);
        text.remove_prefix(4);
    }
    return out;
}

}  // namespace ft::base
