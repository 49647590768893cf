#include "fetch/transfer_policy.h"

namespace ft::fetch {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds kWatched{3};      // before anything is known
constexpr double kWaiting = 0.75;   // of the time; else it is this machine that limits
constexpr double kSlow = 100e6;     // bytes a second; zstd compresses more than that
constexpr Seconds kWorthwhile{10};  // what is left, to make a new connection and compare once more

}  // namespace

std::vector<wire::Compression> TransferPolicy::compressions() const {
    if (compressed_) return {wire::Compression::zstd};
    return {};
}

bool TransferPolicy::turns(const Use& use) {
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

}  // namespace ft::fetch
