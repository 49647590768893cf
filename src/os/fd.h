#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace ft::os {

/// Owns one open file descriptor; closes it, and nothing else.
class Fd {
public:
    Fd() = default;
    explicit Fd(long number) noexcept : number_{static_cast<int>(number)} {}
    Fd(Fd&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
    Fd& operator=(Fd&& other) noexcept {
        Fd old{std::move(*this)};
        number_ = std::exchange(other.number_, -1);
        return *this;
    }
    ~Fd() {
        if (number_ >= 0) ::close(number_);
    }
    int number() const noexcept { return number_; }
    /// Gives the descriptor away, to be closed by somebody else.
    void release() noexcept { number_ = -1; }
    bool is_open() const noexcept { return number_ >= 0; }

private:
    int number_ = -1;
};

/// The result of `call`, a system call, which is repeated as long as signals interrupt it.
template <typename Call>
auto uninterrupted(Call call) {
    auto result = call();
    while (result == -1 && errno == EINTR) result = call();
    return result;
}

}  // namespace ft::os
