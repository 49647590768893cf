#include "transport/refusals.h"

#include <fmt/format.h>

namespace ft::transport {
namespace {

constexpr std::chrono::minutes kQuiet{1};
// A flood from more addresses than this is told by those that are known already.
constexpr std::size_t kAddressesAtMost = 1024;

}  // namespace

std::optional<std::string> Refusals::note(const std::string& peer, const std::string& reason, Time now) {
    const std::lock_guard lock{mutex_};
    const auto known = addresses_.find(peer);
    if (known != addresses_.end() && now - known->second.shown < kQuiet) {
        ++known->second.kept_back;
        return std::nullopt;
    }
    const std::uint64_t kept_back = known == addresses_.end() ? 0 : known->second.kept_back;
    if (addresses_.size() == kAddressesAtMost) {
        std::erase_if(addresses_, [&](const auto& entry) { return now - entry.second.shown >= kQuiet; });
        if (addresses_.size() == kAddressesAtMost) return std::nullopt;
    }
    addresses_[peer] = {now, 0};
    return kept_back == 0 ? reason : fmt::format("{} ({} more since the last line)", reason, kept_back);
}

}  // namespace ft::transport
