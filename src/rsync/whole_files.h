#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

#include "ft/base/bytes.h"
#include "ft/base/digest.h"
#include "rsync/requests.h"

namespace ft::rsync {

/// Content of small files that came whole, on its way from the receiver to threads that stage it: to make a
/// file costs several times what receiving it does. At most kMostBytes and a file more wait here.
class WholeFiles {
public:
    static constexpr std::size_t kMostBytes = 4 * 1024 * 1024;

    struct Whole {
        Requests::Request request;
        base::Bytes content;
        base::Digest sent;  ///< what the source says it is
        bool last_try = false;
    };

    /// Receiver: waits for room. Error cancelled after stop.
    void add(Whole whole);
    /// Receiver: waits until all that was added is staged. Error cancelled after stop.
    void wait_until_staged();
    /// Receiver: nothing more will be added.
    void close();

    /// A staging thread: takes what is there, until close or stop.
    void work(const std::function<void(Whole)>& stage);

    /// Ends every wait.
    void stop() noexcept;

private:
    void require_running() const;

    std::mutex mutex_;
    std::condition_variable has_room_;  // the receiver waits: for room, or for the end of all
    std::condition_variable has_work_;  // staging threads wait
    std::deque<Whole> waiting_;
    std::size_t waiting_bytes_ = 0;
    std::size_t in_work_ = 0;
    bool closed_ = false;
    bool stopped_ = false;
};

}  // namespace ft::rsync
