#include "ft/base/task_group.h"

#include <utility>

#include "ft/base/error.h"
#include "ft/base/log.h"

namespace ft::base {

TaskGroup::~TaskGroup() {
    cancellation_.request("the end of the group");
    for (std::thread& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
}

void TaskGroup::start(std::string name, std::function<void()> task) {
    threads_.emplace_back([this, name = std::move(name), task = std::move(task)] { run(name, task); });
}

std::exception_ptr TaskGroup::why() const {
    // Asked to stop before anything failed: what a closed stream made of it is not the reason.
    try {
        cancellation_.check();
    } catch (...) {
        return std::current_exception();
    }
    return std::current_exception();
}

void TaskGroup::run(const std::string& name, const std::function<void()>& task) {
    try {
        task();
    } catch (const std::exception& error) {
        {
            const std::lock_guard lock{mutex_};
            if (!first_) first_ = why();
        }
        log_info("{} ended: {}", name, error.what());
        cancellation_.request("the failure of " + name);
    } catch (...) {  // a simulated power loss: not an error, but it ends the others all the same
        {
            const std::lock_guard lock{mutex_};
            first_ = std::current_exception();
        }
        cancellation_.request("power loss");
    }
}

void TaskGroup::wait() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    if (first_) std::rethrow_exception(std::exchange(first_, nullptr));
}

}  // namespace ft::base
