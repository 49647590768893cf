#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace ft::base {

/// A request to stop, and what it must shut down so that nobody stays blocked. One for the command (Ctrl-C),
/// one below it for each task group. Any thread.
class Cancellation {
public:
    Cancellation() = default;
    /// Stops when `parent` stops; `parent` must outlive it.
    explicit Cancellation(Cancellation& parent);
    ~Cancellation();
    Cancellation(const Cancellation&) = delete;
    Cancellation& operator=(const Cancellation&) = delete;

    /// Stops: runs every hook once, on this thread. Later calls do nothing. `reason` ends the sentence
    /// "interrupted by ...".
    void request(const std::string& reason);
    bool requested() const;
    /// Error cancelled when a stop was requested.
    void check() const;
    /// From now on requests do nothing: the point of no return has passed.
    void close();

    /// Keeps a hook registered; its destructor removes it and waits for it if it is running.
    class Hook {
    public:
        Hook() = default;
        Hook(Cancellation& owner, std::uint64_t id) : owner_{&owner}, id_{id} {}
        Hook(Hook&& other) noexcept;
        Hook& operator=(Hook&& other) noexcept;
        ~Hook();

    private:
        Cancellation* owner_ = nullptr;
        std::uint64_t id_ = 0;
    };
    /// Calls `action` when a stop is requested; at once when one was already. `action` must not throw, block
    /// or register hooks here.
    [[nodiscard]] Hook on_request(std::function<void()> action);

private:
    mutable std::recursive_mutex mutex_;
    std::map<std::uint64_t, std::function<void()>> hooks_;
    std::uint64_t next_id_ = 1;
    std::string reason_;
    bool requested_ = false;
    bool closed_ = false;
    Hook parent_hook_;
};

}  // namespace ft::base
