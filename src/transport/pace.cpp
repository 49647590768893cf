#include "ft/transport/pace.h"

#include <algorithm>

namespace ft::transport {
namespace {

constexpr std::chrono::milliseconds kShortest{5};  // sleep

}  // namespace

void Pace::hold_back(std::uint64_t bytes, base::Cancellation& cancellation) {
    if (rate_ == 0) return;
    using Clock = std::chrono::steady_clock;
    const auto cost = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>{static_cast<double>(bytes) / static_cast<double>(rate_)});
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

}  // namespace ft::transport
