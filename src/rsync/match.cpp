#include "rsync/match.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "ft/base/error.h"

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

std::int32_t BlockSums::find(std::uint32_t weak, std::span<const std::byte> window, wire::StrongSum& strong,
                             std::int32_t expected) const {
    constexpr int kMostCandidates = 1024;  // a file of equal weak sums must not cost its square
    const std::size_t bit = filter_bit(weak);
    if ((present_[bit / 64] >> (bit % 64) & 1) == 0) return -1;
    std::optional<base::Digest> digest;
    const auto is = [&](std::int32_t block) {
        const auto place = static_cast<std::size_t>(block);
        if (weak_[place] != weak || head_.length_of(block) != window.size()) return false;
        if (!digest) digest = strong.of(window);
        const auto bytes = static_cast<std::size_t>(head_.strong);
        return std::memcmp(digest->bytes().data(), strong_.data() + place * bytes, bytes) == 0;
    };
    if (expected >= 0 && expected < head_.count && is(expected)) return expected;
    std::int32_t block = first_[bucket(weak)];
    for (int tried = 0; block >= 0 && tried < kMostCandidates; ++tried) {
        if (is(block)) return block;
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
        : file_{file},
          size_{status.size},
          sparse_{status.allocated < status.size},
          sums_{sums},
          strong_{strong},
          whole_{whole},
          out_{out},
          alive_{alive},
          block_{static_cast<std::size_t>(sums.head().block)},
          buffer_(kReadAhead + 2 * block_) {}

    SentContent send() {
        if (sums_.empty()) {
            do {
                at_ = filled_;
                refill();
            } while (filled_ > 0);
        } else {
            match();
        }
        send_literal();
        out_.end();
        sent_.digest = whole_.finish();
        return sent_;
    }

private:
    static constexpr std::size_t kReadAhead = 256 * 1024;
    static constexpr std::uint64_t kAlive = 64 * 1024 * 1024;

    void match() {
        std::optional<wire::RollingSum> rolling;
        std::int32_t expected = 0;
        while (true) {
            if (filled_ - at_ <= block_) refill();
            const std::size_t length = std::min(block_, filled_ - at_);
            if (length == 0) return;
            const std::span<const std::byte> window{buffer_.data() + at_, length};
            if (!rolling) rolling.emplace(window);
            const std::int32_t found = sums_.find(rolling->value(), window, strong_, expected);
            if (found >= 0) {
                send_literal();
                out_.block(found, window);
                sent_.matched += length;
                at_ += length;
                literal_ = at_;
                expected = found + 1;
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

    void send_literal() {
        if (literal_ == at_) return;
        out_.literal({buffer_.data() + literal_, at_ - literal_});
        sent_.literal += at_ - literal_;
        literal_ = at_;
    }

    // Reads on, until the buffer is full or the file has ended.
    void refill() {
        if (ended_ && at_ != filled_) return;
        send_literal();
        std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(at_),
                  buffer_.begin() + static_cast<std::ptrdiff_t>(filled_), buffer_.begin());
        filled_ -= at_;
        at_ = literal_ = 0;
        const std::size_t room = std::min<std::uint64_t>(buffer_.size() - filled_, size_ - offset_);
        const std::size_t length = room == 0 ? 0 : read({buffer_.data() + filled_, room});
        whole_.update({buffer_.data() + filled_, length});
        filled_ += length;
        offset_ += length;
        since_alive_ += length;
        if (since_alive_ >= kAlive) {
            since_alive_ = 0;
            alive_();
        }
        ended_ = offset_ == size_;
    }

    std::size_t read(std::span<std::byte> into) {
        std::size_t length = 0;
        try {
            if (sparse_) length = fill_hole(into);
            length += file_.read_at(offset_ + length, into.subspan(length));
        } catch (const base::Error& error) {
            sent_.fault = error.what();
        }
        if (length < into.size()) {
            sent_.shorter = true;
            size_ = offset_ + length;
        }
        return length;
    }

    /// The zeros of a hole at the next byte to read; the system would use memory for each of them.
    std::size_t fill_hole(std::span<std::byte> into) {
        const std::uint64_t data = file_.data_from(offset_);
        const auto hole =
            into.first(static_cast<std::size_t>(std::min<std::uint64_t>(data - offset_, into.size())));
        std::fill(hole.begin(), hole.end(), std::byte{0});
        return hole.size();
    }

    const os::File& file_;
    std::uint64_t size_;
    bool sparse_;
    const BlockSums& sums_;
    wire::StrongSum& strong_;
    base::Hasher whole_;
    wire::TokenWriter& out_;
    const std::function<void()>& alive_;
    std::uint64_t since_alive_ = 0;  // bytes read
    std::size_t block_;
    base::Bytes buffer_;
    std::uint64_t offset_ = 0;  // in the file, of the next byte to read
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
