#include "ft/base/cancellation.h"

#include <utility>

#include "ft/base/error.h"

namespace ft::base {

Cancellation::Cancellation(Cancellation& parent) {
    parent_hook_ = parent.on_request([this, &parent] { request(parent.reason_); });
}

Cancellation::~Cancellation() { parent_hook_ = Hook{}; }

void Cancellation::request(const std::string& reason) {
    // Held while the hooks run: a Hook that is being removed waits here until its action has ended.
    const std::lock_guard lock{mutex_};
    if (requested_ || closed_) return;
    requested_ = true;
    reason_ = reason;
    for (const auto& [id, action] : hooks_) action();
}

bool Cancellation::requested() const {
    const std::lock_guard lock{mutex_};
    return requested_;
}

void Cancellation::check() const {
    const std::lock_guard lock{mutex_};
    if (requested_) throw Error{ErrorKind::cancelled, "interrupted by " + reason_};
}

void Cancellation::close() {
    const std::lock_guard lock{mutex_};
    closed_ = true;
}

Cancellation::Hook Cancellation::on_request(std::function<void()> action) {
    const std::lock_guard lock{mutex_};
    if (requested_) {
        action();
        return {};
    }
    const std::uint64_t id = next_id_++;
    hooks_.emplace(id, std::move(action));
    return {*this, id};
}

Cancellation::Hook::Hook(Hook&& other) noexcept
    : owner_{std::exchange(other.owner_, nullptr)}, id_{std::exchange(other.id_, 0)} {}

Cancellation::Hook& Cancellation::Hook::operator=(Hook&& other) noexcept {
    if (this != &other) {
        const Hook old{std::move(*this)};
        owner_ = std::exchange(other.owner_, nullptr);
        id_ = std::exchange(other.id_, 0);
    }
    return *this;
}

Cancellation::Hook::~Hook() {
    if (owner_ == nullptr) return;
    const std::lock_guard lock{owner_->mutex_};
    owner_->hooks_.erase(id_);
}

}  // namespace ft::base
