#include "commit/lines.h"

#include <span>

namespace ft::commit {
namespace {

constexpr std::size_t kPiece = 128 * 1024;         // bytes that are read at once
constexpr std::size_t kLongestLine = 1024 * 1024;  // bytes; a record is far shorter

}  // namespace

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
