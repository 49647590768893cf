#include "ft/wire/index.h"

#include <limits>

namespace ft::wire {
namespace {

constexpr const char* kField = "file index";
constexpr std::uint8_t kNegative = 0xff;
constexpr std::uint8_t kLong = 0xfe;
constexpr std::int64_t kShortest = 253;  // largest difference in one byte
constexpr std::int64_t kShort = 0x7fff;  // largest difference in two bytes

/// The number behind `first`, which is at `previous`.
std::int64_t read_number(Reader& in, std::uint8_t first, std::int64_t previous) {
    if (first == 0 || first == kNegative) throw malformed(kField, "is no legal difference");
    if (first != kLong) return previous + first;
    const std::uint32_t high = in.byte(kField);
    std::uint32_t number = in.byte(kField);
    if ((high & 0x80) == 0) {
        number |= high << 8;
        if (number > 0 && number <= kShortest)
            throw malformed(kField, "is encoded in more bytes than it needs");
        return previous + number;
    }
    number |= static_cast<std::uint32_t>(in.u16(kField)) << 8 | (high & 0x7f) << 24;
    if (number >= previous && number - previous <= kShort) {
        throw malformed(kField, "is encoded in more bytes than it needs");
    }
    return number;
}

}  // namespace

std::int32_t IndexReader::read(Reader& in, std::int32_t entries, bool incremental) {
    std::uint8_t first = in.byte(kField);
    if (first == 0) return kDone;
    const bool is_negative = first == kNegative;
    if (is_negative) first = in.byte(kField);
    std::int32_t& state = is_negative ? negative_ : positive_;
    const std::int64_t number = read_number(in, first, state);
    if (number > std::numeric_limits<std::int32_t>::max())
        throw malformed(kField, "does not fit into 31 bits");
    state = static_cast<std::int32_t>(number);
    if (!is_negative) {
        if (state >= entries) throw out_of_range(kField, state, 0, entries - 1);
        return state;
    }
    const std::int32_t index = -state;
    const bool of_lists = index == kFlistEof || index <= kFlistOffset;
    if (index != kDeleteStats && !(incremental && of_lists))
        throw malformed(kField, "is no negative one in use");
    return index;
}

void IndexWriter::write(Writer& out, std::int32_t index) {
    if (index == kDone) return out.byte(0);
    if (index < 0) out.byte(kNegative);
    const std::int32_t number = index < 0 ? -index : index;
    std::int32_t& state = index < 0 ? negative_ : positive_;
    const std::int64_t difference = std::int64_t{number} - state;
    state = number;
    if (difference > 0 && difference <= kShortest) return out.byte(static_cast<std::uint8_t>(difference));
    out.byte(kLong);
    if (difference >= 0 && difference <= kShort) {
        out.byte(static_cast<std::uint8_t>(difference >> 8));
        return out.byte(static_cast<std::uint8_t>(difference));
    }
    out.byte(static_cast<std::uint8_t>(number >> 24 | 0x80));
    out.byte(static_cast<std::uint8_t>(number));
    out.u16(static_cast<std::uint16_t>(number >> 8));
}

}  // namespace ft::wire
