#include "migrate/served_run.h"

#include <utility>

#include "ft/base/error.h"
#include "ft/base/log.h"

namespace ft::migrate {

void ServedRun::end() {
    tasks_.cancellation().request("the end of the run");
    tasks_.wait();
}

ServedRun::Attached::Attached(ServedRun& run, control::Channel& channel, transport::Connection& connection)
    : run_{run} {
    const std::lock_guard attaching{run.attaching_};
    {
        std::unique_lock lock{run.mutex_};
        ++run.waiting_;
        while (run.channel_ != nullptr) {
            run.connection_->shut_down();
            run.detached_.wait(lock);
        }
        --run.waiting_;
    }
    const std::lock_guard sending{run.sending_};
    std::optional<control::Message> last;
    {
        const std::lock_guard lock{run.mutex_};
        run.channel_ = &channel;
        run.connection_ = &connection;
        last = run.answer_;
    }
    if (last) run.send_now(*last);
}

ServedRun::Attached::~Attached() {
    const std::lock_guard sending{run_.sending_};
    const std::lock_guard lock{run_.mutex_};
    run_.channel_ = nullptr;
    run_.connection_ = nullptr;
    run_.detached_.notify_all();
}

bool ServedRun::Attached::superseded() const {
    const std::lock_guard lock{run_.mutex_};
    return run_.waiting_ > 0;
}

bool ServedRun::attached() const {
    const std::lock_guard lock{mutex_};
    return channel_ != nullptr;
}

void ServedRun::wait_detached(std::chrono::milliseconds patience) const {
    std::unique_lock lock{mutex_};
    detached_.wait_for(lock, patience, [this] { return channel_ == nullptr; });
}

void ServedRun::send(const control::Message& message) {
    const std::lock_guard sending{sending_};
    send_now(message);
}

void ServedRun::answer(control::Message message) {
    const std::lock_guard sending{sending_};
    {
        const std::lock_guard lock{mutex_};
        was_ready_ = was_ready_ || std::holds_alternative<control::Ready>(message);
        answer_ = message;
    }
    send_now(message);
}

bool ServedRun::was_ready() const {
    const std::lock_guard lock{mutex_};
    return was_ready_;
}

bool ServedRun::ask_to_stop() {
    const std::lock_guard lock{mutex_};
    return !std::exchange(stop_asked_, true);
}

void ServedRun::send_now(const control::Message& message) {
    control::Channel* channel = nullptr;
    {
        const std::lock_guard lock{mutex_};
        channel = channel_;
    }
    if (channel == nullptr) return;
    try {
        channel->send(message);
    } catch (const base::Error& error) {
        base::log_info("not sent to the destination: {}", error.what());
    }
}

}  // namespace ft::migrate
