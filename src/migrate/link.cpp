#include "migrate/link.h"

#include <algorithm>
#include <utility>

#include "ft/base/error.h"

namespace ft::migrate {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds kWatched{3};                     // before anything is known
constexpr double kWaiting = 0.75;                  // of the time; else it is this machine that limits
constexpr double kSlow = 100e6;                    // bytes a second; zstd compresses more than that
constexpr std::chrono::milliseconds kShortest{5};  // sleep
constexpr std::chrono::seconds kSilence{1};        // longer is not the link's
constexpr Seconds kWorthwhile{10};  // what is left, to make a new connection and compare once more

}  // namespace

std::vector<wire::Compression> Link::compressions() const {
    if (compressed_) return {wire::Compression::zstd};
    return {};
}

bool Link::turns(const Use& use) {
    const Seconds lasted = use.lasted;
    if (wanted_ != Compress::automatic || lasted < kWatched) return false;
    const double rate = static_cast<double>(use.received) / lasted.count();
    // What others bring shares the line with this one, and does not make it slow.
    const double of_all = rate + static_cast<double>(use.by_others) / lasted.count();
    const bool waits = Seconds{use.waited} > kWaiting * lasted;
    const bool is_long = Seconds{static_cast<double>(use.left) / rate} > kWorthwhile;
    // Else it is the source's search for what matches that takes the time.
    const bool is_new = use.matched <= use.received;
    const bool turns = waits && of_all < kSlow && is_new && is_long;
    if (turns) compressed_ = true;
    return turns;
}

void Link::hold_back(std::uint64_t bytes, base::Cancellation& cancellation) {
    if (rate_ == 0) return;
    using Clock = std::chrono::steady_clock;
    const auto cost = std::chrono::duration_cast<Clock::duration>(
        Seconds{static_cast<double>(bytes) / static_cast<double>(rate_)});
    Clock::duration wait{};
    {
        const std::lock_guard lock{mutex_};
        const auto now = clock_.now();
        paid_ = std::max(paid_, now) + cost;
        wait = paid_ - now;
    }
    // Short waits add up to one that a clock can sleep.
    if (wait >= kShortest) clock_.sleep(std::chrono::ceil<std::chrono::milliseconds>(wait), cancellation);
}

void WatchedStream::shut_down() noexcept {
    below_.shut_down();
    try {
        stopped_.request("the end of the connection");
    } catch (...) {  // no memory for the reason: the wait ends by itself
    }
}

void WatchedStream::hold_back(std::uint64_t bytes) {
    try {
        link_.hold_back(bytes, stopped_);
    } catch (const base::Error& error) {
        if (error.kind() != base::ErrorKind::cancelled || outer_.requested()) throw;
        throw base::Error{base::ErrorKind::network, "the connection was shut down"};
    }
}

std::size_t WatchedStream::read_some(std::span<std::byte> into) {
    const auto before = link_.clock().now();
    const std::size_t length = below_.read_some(into);
    if (length == 0) return 0;
    hold_back(length);
    if (content_) link_.received += length;
    if (compressed_ || !content_) return length;
    if (last_ == std::chrono::steady_clock::time_point{}) {
        last_ = before;
        matched_before_ = progress_.bytes_matched;
        all_before_ = link_.received - length;
    }
    const auto now = link_.clock().now();
    const auto since_last = now - std::exchange(last_, now);
    // So long nothing comes over no link: somebody hashes, or waits for a turn.
    const auto took = now - before;
    if (took > kSilence) {
        all_before_ = link_.received - use_.received - use_.by_others;
        return length;
    }
    use_.waited += took;
    use_.lasted += since_last;
    use_.received += length;
    const std::uint64_t of_all = link_.received - all_before_;
    use_.by_others = of_all > use_.received ? of_all - use_.received : 0;
    use_.matched = progress_.bytes_matched - matched_before_;
    const std::uint64_t wanted = progress_.bytes_wanted;
    const std::uint64_t done = progress_.bytes_done;
    use_.left = wanted > done ? wanted - done : 0;
    if (!link_.turns(use_)) return length;
    turned_ = true;
    throw base::Error{base::ErrorKind::network, "the link is slow: what is left comes compressed"};
}

}  // namespace ft::migrate
