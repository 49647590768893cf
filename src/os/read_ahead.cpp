#include "ft/os/read_ahead.h"

#include <algorithm>
#include <utility>

namespace ft::os {

ReadAhead::ReadAhead(Read read, std::uint64_t offset, std::uint64_t length, std::size_t piece)
    : read_{std::move(read)}, piece_{piece}, offset_{offset}, length_{length} {
    constexpr std::uint64_t kWorthAThread = 8;  // pieces
    if (length / piece >= kWorthAThread) thread_ = std::thread{[this] { run(); }};
}

ReadAhead::~ReadAhead() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock{mutex_};
        stopped_ = true;
        changed_.notify_all();
    }
    thread_.join();
}

/// False at the end; `piece` is empty then.
bool ReadAhead::read_next(base::Bytes& piece) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece_, length_)));
    if (piece.empty()) return false;
    const std::size_t filled = read_(offset_, piece);
    offset_ += filled;
    length_ = filled == piece.size() ? length_ - filled : 0;
    piece.resize(filled);
    return filled > 0;
}

void ReadAhead::run() {
    std::exception_ptr failure;
    try {
        while (true) {
            std::unique_lock lock{mutex_};
            // One of them is being worked at.
            changed_.wait(lock, [&] { return read_count_ - taken_count_ < kPieces - 1 || stopped_; });
            if (stopped_) return;
            base::Bytes& piece = pieces_[read_count_ % kPieces];
            lock.unlock();
            if (!read_next(piece)) break;
            lock.lock();
            ++read_count_;
            changed_.notify_all();
        }
    } catch (...) {  // for the thread that uses it
        failure = std::current_exception();
    }
    const std::lock_guard lock{mutex_};
    failure_ = std::move(failure);
    ended_ = true;
    changed_.notify_all();
}

std::span<const std::byte> ReadAhead::next() {
    if (!thread_.joinable()) {
        read_next(pieces_[0]);
        return pieces_[0];
    }
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return read_count_ > taken_count_ || ended_; });
    if (read_count_ == taken_count_) {
        if (failure_) std::rethrow_exception(failure_);
        return {};
    }
    const base::Bytes& piece = pieces_[taken_count_ % kPieces];
    ++taken_count_;
    changed_.notify_all();
    return piece;
}

ReadAhead::Read content_of(const File& file, bool sparse) {
    return [&file, sparse](std::uint64_t offset, std::span<std::byte> into) {
        const std::uint64_t hole = sparse ? file.data_from(offset) - offset : 0;
        const auto zeros = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(hole, into.size())));
        std::fill(zeros.begin(), zeros.end(), std::byte{0});
        return zeros.size() + file.read_at(offset + zeros.size(), into.subspan(zeros.size()));
    };
}

}  // namespace ft::os
