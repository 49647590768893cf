#pragma once

#include <atomic>

#include "ft/os/network.h"
#include "os/fd.h"
#include "os/wait.h"

namespace ft::os {

/// A connected socket, non-blocking. `peer` is how it calls the other side.
class RealSocket final : public Socket {
public:
    RealSocket(Fd fd, std::string peer);

    std::size_t read_some(std::span<std::byte> into) override;
    void write(std::span<const std::byte> data) override;
    void flush() override {}
    void shut_down() noexcept override;
    void set_idle_limit(std::optional<std::chrono::milliseconds> limit) override;
    std::optional<std::byte> peek() override;
    void finish_writing() override;
    std::string peer() const override { return peer_; }

private:
    std::size_t receive(std::span<std::byte> into, int flags);
    void wait(short event) const;
    [[noreturn]] void lost(int code) const;
    void check() const;

    Fd fd_;
    std::string peer_;
    std::atomic<std::int64_t> idle_limit_{-1};  // milliseconds; -1: none
    std::atomic<bool> shut_down_{false};
};

/// `time` for a message: "20 s" or "1500 ms".
std::string shown(std::chrono::milliseconds time);

}  // namespace ft::os
