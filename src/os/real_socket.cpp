#include "os/real_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>

#include "ft/base/error.h"

namespace ft::os {

using base::Error;
using base::ErrorKind;

std::string shown(std::chrono::milliseconds time) {
    const auto count = time.count();
    return count % 1000 == 0 ? std::to_string(count / 1000) + " s" : std::to_string(count) + " ms";
}

RealSocket::RealSocket(Fd fd, std::string peer) : fd_{std::move(fd)}, peer_{std::move(peer)} {
    const int on = 1;
    const int idle_seconds = 60;  // a firewall between the servers forgets a silent connection after minutes
    ::setsockopt(fd_.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd_.number(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    ::setsockopt(fd_.number(), IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
}

std::size_t RealSocket::receive(std::span<std::byte> into, int flags) {
    while (true) {
        check();
        const ssize_t count =
            uninterrupted([&] { return ::recv(fd_.number(), into.data(), into.size(), flags); });
        if (count < 0 && errno != EAGAIN) lost(errno);
        if (count == 0) check();  // the end that our own shut_down made is no end of stream
        if (count >= 0) return static_cast<std::size_t>(count);
        wait(POLLIN);
    }
}

std::size_t RealSocket::read_some(std::span<std::byte> into) { return receive(into, 0); }

std::optional<std::byte> RealSocket::peek() {
    std::byte first{};
    return receive({&first, 1}, MSG_PEEK) == 0 ? std::nullopt : std::optional{first};
}

void RealSocket::write(std::span<const std::byte> data) {
    while (!data.empty()) {
        check();
        const ssize_t count =
            uninterrupted([&] { return ::send(fd_.number(), data.data(), data.size(), MSG_NOSIGNAL); });
        if (count < 0 && errno != EAGAIN) lost(errno);
        if (count < 0) {
            wait(POLLOUT);
        } else {
            data = data.subspan(static_cast<std::size_t>(count));
        }
    }
}

void RealSocket::shut_down() noexcept {
    shut_down_ = true;
    ::shutdown(fd_.number(), SHUT_RDWR);
}

void RealSocket::set_idle_limit(std::optional<std::chrono::milliseconds> limit) {
    idle_limit_ = limit ? limit->count() : -1;
}

void RealSocket::finish_writing() {
    check();
    if (::shutdown(fd_.number(), SHUT_WR) != 0) lost(errno);
}

void RealSocket::wait(short event) const {
    const std::chrono::milliseconds limit{idle_limit_.load()};
    pollfd what{fd_.number(), event, 0};
    const Deadline deadline =
        limit.count() < 0 ? std::nullopt : Deadline{std::chrono::steady_clock::now() + limit};
    if (wait_for({&what, 1}, deadline)) return;
    throw Error{ErrorKind::network,
                peer_ + (event == POLLIN ? ": silent for " : ": takes no data for ") + shown(limit),
                "Check the other server and the network between, then run the same command again."};
}

void RealSocket::lost(int code) const {
    check();
    throw Error{ErrorKind::network, peer_ + ": connection lost (" + std::strerror(code) + ")",
                "Check the other server and the network between, then run the same command again."};
}

void RealSocket::check() const {
    if (shut_down_) throw Error{ErrorKind::network, peer_ + ": connection closed here"};
}

}  // namespace ft::os
