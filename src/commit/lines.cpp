#include "commit/lines.h"

#include <span>

#include "ft/base/bytes.h"
#include "ft/base/error.h"

namespace ft::commit {
namespace {

constexpr std::size_t kPiece = 128 * 1024;         // bytes that are read or written at once
constexpr std::size_t kLongestLine = 1024 * 1024;  // bytes; a record is far shorter

}  // namespace

void LineWriter::write(std::string_view line) {
    pending_ += line;
    if (pending_.size() >= kPiece) flush();
}

std::uint64_t LineWriter::finish() {
    flush();
    return written_;
}

void LineWriter::flush() {
    file_.write_at(written_, base::as_bytes(pending_));
    written_ += pending_.size();
    pending_.clear();
}

std::optional<LineReader::Line> LineReader::next() {
    std::size_t newline = buffer_.find('\n', at_);
    while (newline == std::string::npos) {
        const std::size_t searched = buffer_.size() - at_;
        if (searched > kLongestLine) throw base::Error{base::ErrorKind::recovery, "a line without end"};
        if (!fill()) break;
        newline = buffer_.find('\n', at_ + searched);
    }
    const std::size_t end = newline == std::string::npos ? buffer_.size() : newline + 1;
    if (end == at_) return std::nullopt;
    const std::size_t start = at_;
    const std::size_t length = end - at_;
    at_ = end;
    position_ += length;
    return Line{std::string_view{buffer_}.substr(start, length), position_ == size_};
}

bool LineReader::fill() {
    buffer_.erase(0, at_);
    at_ = 0;
    const std::size_t kept = buffer_.size();
    buffer_.resize(kept + kPiece);
    const std::size_t length = file_.read_at(read_, std::as_writable_bytes(std::span{buffer_}.subspan(kept)));
    buffer_.resize(kept + length);
    read_ += length;
    return length > 0;
}

}  // namespace ft::commit
