#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include "ft/base/error.h"
#include "ft/transport/connection.h"
#include "transport/tls_session.h"

namespace ft::transport {

/// The end of a wait that a trickle of bytes does not move. Monotonic.
class Deadline {
public:
    explicit Deadline(std::chrono::milliseconds limit)
        : limit_{limit}, end_{std::chrono::steady_clock::now() + limit} {}
    bool passed() const { return std::chrono::steady_clock::now() >= end_; }
    /// Lets `socket` wait until the deadline and no longer. Error network when it has passed.
    void arm(os::Socket& socket) const;
    base::Error error() const;

private:
    std::chrono::milliseconds limit_;
    std::chrono::steady_clock::time_point end_;
};

/// A socket and what shuts it down when a stop is requested; the hook goes before the socket.
struct HeldSocket {
    HeldSocket(std::unique_ptr<os::Socket> held, base::Cancellation& cancellation)
        : socket{std::move(held)}, stop{cancellation.on_request([raw = socket.get()] {
              raw->shut_down();
          })} {}
    std::unique_ptr<os::Socket> socket;
    base::Cancellation::Hook stop;
};

class SocketConnection : public Connection {
public:
    SocketConnection(HeldSocket held, Purpose purpose) : held_{std::move(held)}, purpose_{purpose} {}
    Purpose purpose() const override { return purpose_; }
    std::string peer() const override { return held_.socket->peer(); }
    void shut_down() noexcept override { held_.socket->shut_down(); }
    /// Lives on when a stop is requested.
    void let_go() { held_.stop = {}; }

protected:
    os::Socket& socket() { return *held_.socket; }
    HeldSocket held_;
    Purpose purpose_;
};

/// Proves the code to the other side and lets it prove it, until `deadline`; from then on the idle limit of
/// its purpose holds. A client says by `purpose` what it wants; a server learns it. Error network.
std::unique_ptr<SocketConnection> shake_hands(HeldSocket socket, TlsSession::Role role,
                                              const std::array<std::byte, 32>& key, Purpose purpose,
                                              const Deadline& deadline, const Limits& limits);

/// Passes bytes as they are.
std::unique_ptr<SocketConnection> make_plain(HeldSocket socket, std::chrono::milliseconds idle);

}  // namespace ft::transport
