#include "rsync/requests.h"

#include <fmt/format.h>

#include <utility>

#include "ft/base/error.h"

namespace ft::rsync {

void Requests::open(Request request) {
    const std::lock_guard lock{mutex_};
    open_.emplace(request.item.index, std::move(request));
}

void Requests::close_phase() {
    const std::lock_guard lock{mutex_};
    ++phases_closed_;
}

std::vector<Requests::Request> Requests::wait_for_answers() {
    std::unique_lock lock{mutex_};
    wait(lock, [&] { return phases_answered_ > 0; });
    return std::exchange(again_, {});
}

std::vector<Requests::Request> Requests::wait_for_losses() {
    std::unique_lock lock{mutex_};
    wait(lock, [&] { return open_.empty() || !again_.empty(); });
    return std::exchange(again_, {});
}

void Requests::wait_for_end() {
    std::unique_lock lock{mutex_};
    wait(lock, [&] { return end_; });
}

Requests::Request Requests::take(std::int32_t index) {
    const std::lock_guard lock{mutex_};
    return take_open(index);
}

void Requests::take_lost(std::int32_t index,
                         const std::function<std::optional<Request>(const Request& lost)>& instead) {
    const std::lock_guard lock{mutex_};
    auto request = instead(take_open(index));
    if (!request) return;
    again_.push_back(std::move(*request));
    changed_.notify_all();
}

Requests::Request Requests::take_open(std::int32_t index) {
    const auto found = open_.find(index);
    if (found == open_.end()) {
        throw base::Error{base::ErrorKind::peer,
                          fmt::format("the source answers for file {}, which nobody asked for", index)};
    }
    Request request = std::move(found->second);
    open_.erase(found);
    if (open_.empty()) changed_.notify_all();  // not for each of a million files
    return request;
}

void Requests::ask_again(Request request) {
    const std::lock_guard lock{mutex_};
    again_.push_back(std::move(request));
}

bool Requests::require_answered() {
    const std::lock_guard lock{mutex_};
    if (phases_closed_ <= phases_answered_) {
        throw base::Error{base::ErrorKind::peer,
                          "the source says that it is done before it was asked for all"};
    }
    if (!open_.empty()) {
        throw base::Error{
            base::ErrorKind::peer,
            fmt::format("the source says that it is done, and {} files that it was asked for are missing",
                        open_.size())};
    }
    ++phases_answered_;
    changed_.notify_all();
    return !again_.empty();
}

void Requests::reach_end() {
    const std::lock_guard lock{mutex_};
    end_ = true;
    changed_.notify_all();
}

void Requests::require_running() {
    std::unique_lock lock{mutex_};
    wait(lock, [] { return true; });
}

template <typename Condition>
void Requests::wait(std::unique_lock<std::mutex>& lock, const Condition& condition) {
    changed_.wait(lock, [&] { return stopped_ || condition(); });
    if (stopped_) throw base::Error{base::ErrorKind::cancelled, "interrupted by the end of the transfer"};
}

void Requests::stop() noexcept {
    const std::lock_guard lock{mutex_};
    stopped_ = true;
    changed_.notify_all();
}

}  // namespace ft::rsync
