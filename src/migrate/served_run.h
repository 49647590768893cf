#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "ft/base/cancellation.h"
#include "ft/base/task_group.h"
#include "ft/control/channel.h"
#include "ft/transport/connection.h"

namespace ft::migrate {

/// A run of a destination as the source keeps it: what was made for it, over all the control channels that it
/// has one after the other, until it has ended. Any thread; start() and end() one at a time.
class ServedRun {
public:
    /// `source`: its request ends what is done for the run; outlives it.
    ServedRun(control::Begin begin, base::Cancellation& source) : begin_{std::move(begin)}, tasks_{source} {}

    const control::Begin& begin() const { return begin_; }
    /// Does `task` beside the conversation, whether the destination is there or not.
    void start(std::string name, std::function<void()> task) {
        tasks_.start(std::move(name), std::move(task));
    }
    base::Cancellation& cancellation() { return tasks_.cancellation(); }
    /// Stops what goes on for the run, and waits for it.
    void end();

    /// The control channel of the run from now on, as long as it lives. A channel whose loss nobody has
    /// noticed yet is shut down, and waited for, before.
    class Attached {
    public:
        Attached(ServedRun& run, control::Channel& channel, transport::Connection& connection);
        ~Attached();
        Attached(const Attached&) = delete;
        Attached& operator=(const Attached&) = delete;
        /// True when another one waits for its place.
        bool superseded() const;

    private:
        ServedRun& run_;
    };
    bool attached() const;
    /// Waits up to `patience` until no channel is attached.
    void wait_detached(std::chrono::milliseconds patience) const;

    /// Sends to the destination if it is there: whether it arrives, who reads the channel finds out.
    void send(const control::Message& message);
    /// The last answer so far (Ready or Failure): also what each later channel is told first.
    void answer(control::Message message);
    /// True once the first backup is ready, whatever came of the second.
    bool was_ready() const;
    /// Production shall be stopped for this run: true the first time.
    bool ask_to_stop();

private:
    void send_now(const control::Message& message);

    const control::Begin begin_;
    std::mutex attaching_;      // held while a channel takes its place
    std::mutex sending_;        // held while something is sent: an answer comes once, and in order
    mutable std::mutex mutex_;  // guards all up to the empty line; the innermost of the three
    mutable std::condition_variable detached_;
    control::Channel* channel_ = nullptr;
    transport::Connection* connection_ = nullptr;
    unsigned waiting_ = 0;  // channels that wait to be attached
    std::optional<control::Message> answer_;
    bool was_ready_ = false;
    bool stop_asked_ = false;

    base::TaskGroup tasks_;
};

}  // namespace ft::migrate
