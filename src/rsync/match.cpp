#include "rsync/match.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "ft/base/error.h"
#include "ft/os/read_ahead.h"

namespace ft::rsync {

BlockSums::BlockSums(wire::Reader& in, std::int32_t digest_bytes)
    : head_{wire::read_sum_head(in, digest_bytes)} {
    if (head_.count > kMostBlocks) throw wire::out_of_range("block count", head_.count, 0, kMostBlocks);
    if (head_.count == 0) return;
    const auto strong_bytes = static_cast<std::ptrdiff_t>(head_.strong);
    for (std::int32_t block = 0; block < head_.count; ++block) {
        const wire::BlockSum sum = wire::read_block_sum(in, head_);
        weak_.push_back(sum.weak);
        strong_.insert(strong_.end(), sum.strong.begin(), sum.strong.begin() + strong_bytes);
    }
    const auto bits = std::max(1, static_cast<int>(std::bit_width(weak_.size())));
    shift_ = 32 - bits;
    first_.assign(std::size_t{1} << bits, -1);
    next_.resize(weak_.size());
    present_.resize((std::size_t{1} << bits) * kFilterBits / 64 + 1);
    for (std::int32_t block = head_.count - 1; block >= 0; --block) {  // the lowest block ends up first
        const std::uint32_t weak = weak_[static_cast<std::size_t>(block)];
        const std::size_t bit = filter_bit(weak);
        present_[bit / 64] |= std::uint64_t{1} << (bit % 64);
        std::int32_t& first = first_[bucket(weak)];
        next_[static_cast<std::size_t>(block)] = first;
        first = block;
    }
}

bool BlockSums::is(std::int32_t block, std::uint32_t weak, std::span<const std::byte> window,
                   wire::StrongSum& strong) const {
    std::optional<base::Digest> digest;
    return is(block, weak, window, strong, digest);
}

bool BlockSums::is(std::int32_t block, std::uint32_t weak, std::span<const std::byte> window,
                   wire::StrongSum& strong, std::optional<base::Digest>& digest) const {
    if (block < 0 || block >= head_.count) return false;
    const auto place = static_cast<std::size_t>(block);
    if (weak_[place] != weak || head_.length_of(block) != window.size()) return false;
    if (!digest) digest = strong.of(window);
    const auto bytes = static_cast<std::size_t>(head_.strong);
    return std::memcmp(digest->bytes().data(), strong_.data() + place * bytes, bytes) == 0;
}

std::int32_t BlockSums::find(std::uint32_t weak, std::span<const std::byte> window, wire::StrongSum& strong,
                             std::int32_t expected) const {
    constexpr int kMostCandidates = 1024;  // a file of equal weak sums must not cost its square
    std::optional<base::Digest> digest;
    // In a run of blocks nothing else is looked at.
    if (is(expected, weak, window, strong, digest)) return expected;
    const std::size_t bit = filter_bit(weak);
    if ((present_[bit / 64] >> (bit % 64) & 1) == 0) return -1;
    std::int32_t block = first_[bucket(weak)];
    for (int tried = 0; block >= 0 && tried < kMostCandidates; ++tried) {
        if (is(block, weak, window, strong, digest)) return block;
        block = next_[static_cast<std::size_t>(block)];
    }
    return -1;
}

namespace {

// The part of the file between the first byte that was not sent and what was read ahead.
class Content {
public:
    Content(const os::File& file, const os::Status& status, const BlockSums& sums, wire::StrongSum& strong,
            base::DigestKind whole, wire::TokenWriter& out, const std::function<void()>& alive)
        : size_{status.size},
          sums_{sums},
          strong_{strong},
          whole_{whole},
          out_{out},
          alive_{alive},
          block_{static_cast<std::size_t>(sums.head().block)},
          reading_{os::content_of(file, status.allocated < status.size), 0, size_, kPiece} {}

    SentContent send() {
        if (sums_.empty()) {
            for (auto piece = next_piece(); !piece.empty(); piece = next_piece()) {
                out_.literal(piece);
                sent_.literal += piece.size();
            }
        } else {
            buffer_.resize(kPiece + 2 * block_);
            match();
            send_literal();
        }
        out_.end();
        sent_.digest = whole_.finish();
        return sent_;
    }

private:
    static constexpr std::size_t kPiece = 256 * 1024;          // bytes read at a time
    static constexpr std::uint64_t kAlive = 64 * 1024 * 1024;  // bytes between signs of life

    void match() {
        std::optional<wire::RollingSum> rolling;
        std::int32_t expected = 0;
        while (true) {
            if (filled_ - at_ <= 2 * block_) refill();
            const std::size_t length = std::min(block_, filled_ - at_);
            if (length == 0) return;
            const std::span<const std::byte> window{buffer_.data() + at_, length};
            if (!rolling) rolling.emplace(window);
            const std::int32_t found = sums_.find(rolling->value(), window, strong_, expected);
            if (found >= 0) {
                take_block(found, window);
                expected = found + 1;
                rolling.reset();
                continue;
            }
            if (literal_ == at_ && is_changed_in_place(expected)) {
                at_ += block_;
                ++expected;
                rolling.reset();
                continue;
            }
            if (filled_ - at_ > block_) {
                rolling->roll(buffer_[at_], buffer_[at_ + block_]);
            } else {
                rolling->shrink(buffer_[at_]);
            }
            ++at_;
        }
    }

    void take_block(std::int32_t block, std::span<const std::byte> window) {
        send_literal();
        out_.block(block, window);
        sent_.matched += window.size();
        at_ += window.size();
        literal_ = at_;
    }

    /// Whether what follows the window is the block after `expected`: no need to look for what is left of a
    /// page that was written where it stood.
    bool is_changed_in_place(std::int32_t expected) {
        if (filled_ - at_ < 2 * block_) return false;
        const std::span<const std::byte> behind{buffer_.data() + at_ + block_, block_};
        return sums_.is(expected + 1, wire::RollingSum{behind}.value(), behind, strong_);
    }

    void send_literal() {
        if (literal_ == at_) return;
        out_.literal({buffer_.data() + literal_, at_ - literal_});
        sent_.literal += at_ - literal_;
        literal_ = at_;
    }

    // Puts the next piece behind what is left.
    void refill() {
        if (ended_) return;
        send_literal();
        std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(at_),
                  buffer_.begin() + static_cast<std::ptrdiff_t>(filled_), buffer_.begin());
        filled_ -= at_;
        at_ = literal_ = 0;
        const std::span<const std::byte> piece = next_piece();
        std::copy(piece.begin(), piece.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(filled_));
        filled_ += piece.size();
        since_alive_ += piece.size();
        if (since_alive_ >= kAlive) {
            since_alive_ = 0;
            alive_();
        }
        ended_ = piece.empty();
    }

    std::span<const std::byte> next_piece() {
        std::span<const std::byte> piece;
        try {
            piece = reading_.next();
        } catch (const base::Error& error) {
            sent_.fault = error.what();
        }
        whole_.update(piece);
        offset_ += piece.size();
        sent_.shorter = piece.empty() && offset_ < size_;
        return piece;
    }

    const std::uint64_t size_;
    const BlockSums& sums_;
    wire::StrongSum& strong_;
    base::Hasher whole_;
    wire::TokenWriter& out_;
    const std::function<void()>& alive_;
    std::uint64_t since_alive_ = 0;  // bytes read
    std::size_t block_;
    os::ReadAhead reading_;
    base::Bytes buffer_;        // for blocks to be found in
    std::uint64_t offset_ = 0;  // in the file, of the next piece
    std::size_t filled_ = 0;    // bytes in the buffer
    std::size_t at_ = 0;        // start of the window
    std::size_t literal_ = 0;   // start of what was not sent
    bool ended_ = false;
    SentContent sent_;
};

}  // namespace

SentContent send_content(const os::File& file, const os::Status& status, const BlockSums& sums,
                         wire::StrongSum& strong, base::DigestKind whole, wire::TokenWriter& out,
                         const std::function<void()>& alive) {
    return Content{file, status, sums, strong, whole, out, alive}.send();
}

}  // namespace ft::rsync
