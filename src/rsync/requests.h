#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "ft/staging/staging.h"
#include "ft/wire/items.h"
#include "ft/wire/sum_head.h"

namespace ft::rsync {

/// What was asked of the sender and not answered yet: where generator and receiver meet. The receiver never
/// waits here. Any thread.
class Requests {
public:
    struct Request {
        wire::Item item;
        wire::SumHead head;
        staging::Over over = staging::Over::nothing;
        bool live_basis = false;  ///< a live file of that path may be its basis
    };

    /// Generator: before the request is written.
    void open(Request request);
    /// Generator: before it says that a phase has no more requests.
    void close_phase();
    /// Generator: waits until all of the first phase are answered; what must be asked for once more.
    std::vector<Request> wait_for_answers();
    /// Generator, in the second phase: waits until all are answered, or something is to be asked for instead
    /// of what does not come; that.
    std::vector<Request> wait_for_losses();
    /// Generator: waits for the end of what the sender says.
    void wait_for_end();

    /// Receiver: an answer came. Error peer when nobody asked.
    Request take(std::int32_t index);
    /// Receiver: a file will not come. In one step with that: what `instead` (called under a lock) says to
    /// ask for. Error peer when nobody asked.
    void take_lost(std::int32_t index,
                   const std::function<std::optional<Request>(const Request& lost)>& instead);
    /// Receiver: the content was not what its checksum says; once more in the second phase.
    void ask_again(Request request);
    /// Receiver: the sender says that it answered all of a phase. Error peer when it did not. True: something
    /// must be asked for again.
    bool require_answered();
    void reach_end();

    /// Ends every wait with Error cancelled.
    void stop() noexcept;
    /// Error cancelled after stop: for what takes long without waiting.
    void require_running();

private:
    Request take_open(std::int32_t index);
    /// Until `condition` holds, under the lock. Error cancelled after stop.
    template <typename Condition>
    void wait(std::unique_lock<std::mutex>& lock, const Condition& condition);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::unordered_map<std::int32_t, Request> open_;
    std::vector<Request> again_;
    int phases_closed_ = 0;
    int phases_answered_ = 0;
    bool end_ = false;
    bool stopped_ = false;
};

}  // namespace ft::rsync
