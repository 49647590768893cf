#include "fetch/watched_stream.h"

#include <utility>

#include "ft/base/error.h"

namespace ft::fetch {
namespace {

constexpr std::chrono::seconds kSilence{1};  // longer is not the link's

}  // namespace

void WatchedStream::shut_down() noexcept {
    below_.shut_down();
    try {
        stopped_.request("the end of the connection");
    } catch (...) {  // no memory for the reason: the wait ends by itself
    }
}

void WatchedStream::hold_back(std::uint64_t bytes) {
    try {
        policy_.hold_back(bytes, stopped_);
    } catch (const base::Error& error) {
        if (error.kind() != base::ErrorKind::cancelled || outer_.requested()) throw;
        throw base::Error{base::ErrorKind::network, "the connection was shut down"};
    }
}

std::size_t WatchedStream::read_some(std::span<std::byte> into) {
    const auto before = policy_.clock().now();
    const std::size_t length = below_.read_some(into);
    if (length == 0) return 0;
    hold_back(length);
    if (content_) policy_.received += length;
    if (compressed_ || !content_) return length;
    if (last_ == std::chrono::steady_clock::time_point{}) {
        last_ = before;
        matched_before_ = progress_.bytes_matched;
        all_before_ = policy_.received - length;
    }
    const auto now = policy_.clock().now();
    const auto since_last = now - std::exchange(last_, now);
    // So long nothing comes over no link: somebody hashes, or waits for a turn.
    const auto took = now - before;
    if (took > kSilence) {
        all_before_ = policy_.received - use_.received - use_.by_others;
        return length;
    }
    use_.waited += took;
    use_.lasted += since_last;
    use_.received += length;
    const std::uint64_t of_all = policy_.received - all_before_;
    use_.by_others = of_all > use_.received ? of_all - use_.received : 0;
    use_.matched = progress_.bytes_matched - matched_before_;
    const std::uint64_t wanted = progress_.bytes_wanted;
    const std::uint64_t done = progress_.bytes_done;
    use_.left = wanted > done ? wanted - done : 0;
    if (!policy_.turns(use_)) return length;
    turned_ = true;
    throw base::Error{base::ErrorKind::network, "the link is slow: what is left comes compressed"};
}

}  // namespace ft::fetch
