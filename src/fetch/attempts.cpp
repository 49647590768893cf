#include "ft/fetch/attempts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ft/ui/format.h"

namespace ft::fetch {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kLongestPause{30};
// A connection over which something comes so late was not made in vain, where nothing else is to come.
constexpr std::chrono::seconds kHolds{30};

milliseconds pause_before(unsigned tries) {
    return std::min(std::chrono::seconds{1 << std::min(tries, 5u)}, kLongestPause);
}

}  // namespace

void Attempts::pause(Outage& outage, const base::Error& lost, base::Cancellation& cancellation) {
    cancellation.check();
    if (lost.kind() != base::ErrorKind::network || retry_for_.count() == 0) throw base::Error{lost};
    const auto now = clock_.now();
    const std::uint64_t fetched = fetched_;
    if (!outage.since || fetched > outage.fetched) {
        outage = {now, 0, fetched};
        ++losses_;
    }
    const auto left = std::chrono::duration_cast<milliseconds>(*outage.since + retry_for_ - now);
    if (left.count() <= 0) {
        throw base::Error{lost.kind(),
                          fmt::format("{}; the source was not to be reached again for {}", lost.what(),
                                      ui::duration(retry_for_)),
                          "Check the other server and the network between, then run the same command again."};
    }
    const auto wait = std::min(pause_before(outage.tries++), left);
    console_.warn(fmt::format("{}; trying again in {}, for {} at most", lost.what(), ui::duration(wait),
                              ui::duration(left)));
    clock_.sleep(wait, cancellation);
}

void Attempts::heard(Outage& outage) const {
    if (outage.since && pulls_ == 0 && clock_.now() - outage.connected > kHolds) outage.since.reset();
}

void Attempts::set_fetched(std::uint64_t fetched) {
    std::uint64_t before = fetched_;
    while (fetched > before && !fetched_.compare_exchange_weak(before, fetched)) {
    }
}

void Presence::lost() {
    std::shared_ptr<base::Cancellation> gone;
    {
        const std::lock_guard lock{mutex_};
        gone = std::exchange(there_, nullptr);
    }
    if (gone) gone->request("the loss of the source");
}

void Presence::back() {
    {
        const std::lock_guard lock{mutex_};
        if (!there_) there_ = std::make_shared<base::Cancellation>();
    }
    changed_.notify_all();
}

bool Presence::is_there() const {
    const std::lock_guard lock{mutex_};
    return there_ != nullptr;
}

std::shared_ptr<base::Cancellation> Presence::wait(base::Cancellation& cancellation) {
    bool interrupted = false;
    const auto hook = cancellation.on_request([&] {
        const std::lock_guard lock{mutex_};
        interrupted = true;
        changed_.notify_all();
    });
    std::shared_ptr<base::Cancellation> found;
    {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return there_ || interrupted; });
        found = there_;
    }
    // The cancellation has a lock of its own, and its hook takes ours: not under this one.
    cancellation.check();
    return found;
}

}  // namespace ft::fetch
