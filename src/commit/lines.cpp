#include "commit/lines.h"

#include <array>
#include <span>

#include "ft/base/bytes.h"
#include "ft/base/digest.h"

namespace ft::commit {
namespace {

constexpr std::size_t kPiece = 128 * 1024;  // bytes that are read at once
constexpr std::size_t kLongestLine =
    8 * 1024 * 1024;  // bytes; with all the attributes that a directory can have, 4 MiB
constexpr std::size_t kChecksumLength = 32;  // hex digits of xxh128

using Checksum = std::array<char, kChecksumLength>;

Checksum checksum(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const base::Digest digest = base::digest_of(base::DigestKind::xxh128, base::as_bytes(text));
    Checksum hex{};
    auto digit = hex.begin();
    for (const std::byte byte : digest.bytes()) {
        *digit++ = kDigits[std::to_integer<std::size_t>(byte >> 4)];
        *digit++ = kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
    }
    return hex;
}

}  // namespace

void append_line(std::string& out, std::string_view text) {
    const Checksum hex = checksum(text);
    out.append(hex.data(), hex.size());
    out += ' ';
    out += text;
    out += '\n';
}

std::optional<std::string_view> text_of(std::string_view line) {
    if (line.size() <= kChecksumLength || line[kChecksumLength] != ' ') return std::nullopt;
    const std::string_view text = line.substr(kChecksumLength + 1);
    const Checksum hex = checksum(text);
    if (std::string_view{hex.data(), hex.size()} != line.substr(0, kChecksumLength)) return std::nullopt;
    return text;
}

std::optional<std::string_view> LineReader::next() {
    std::size_t newline = buffer_.find('\n', at_);
    while (newline == std::string::npos) {
        const std::size_t searched = buffer_.size() - at_;
        if (searched > kLongestLine || !fill()) break;
        newline = buffer_.find('\n', at_ + searched);
    }
    const std::size_t end = newline == std::string::npos ? buffer_.size() : newline + 1;
    if (end == at_) return std::nullopt;
    const std::string_view line = std::string_view{buffer_}.substr(at_, end - at_);
    at_ = end;
    position_ += line.size();
    ++number_;
    return line;
}

bool LineReader::fill() {
    buffer_.erase(0, at_);
    at_ = 0;
    const std::size_t kept = buffer_.size();
    buffer_.resize(kept + kPiece);
    const auto into = std::as_writable_bytes(std::span{buffer_}.subspan(kept));
    const std::size_t length = file_.read_at(position_ + kept, into);
    buffer_.resize(kept + length);
    return length > 0;
}

}  // namespace ft::commit
