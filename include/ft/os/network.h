#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ft/base/bytes.h"
#include "ft/base/cancellation.h"

namespace ft::os {

/// A connected TCP socket with TCP_NODELAY. One reading thread and one writing thread at a time.
class Socket : public base::Stream {
public:
    /// read_some and write fail with Error network after this long without a byte; nothing: wait for ever.
    virtual void set_idle_limit(std::optional<std::chrono::milliseconds> limit) = 0;
    /// Looks at the first byte without taking it; nothing at the end of stream.
    virtual std::optional<std::byte> peek() = 0;
    /// Says that nothing more will be written.
    virtual void finish_writing() = 0;
    /// The other side as "address" or "[v6 address]", without port.
    virtual std::string peer() const = 0;
};

/// A listening port on all addresses it was opened for.
class Acceptor {
public:
    virtual ~Acceptor() = default;
    /// The next connection; nothing after shut_down.
    virtual std::unique_ptr<Socket> accept() = 0;
    virtual void shut_down() noexcept = 0;  ///< any thread
    virtual std::uint16_t port() const = 0;
};

class Network {
public:
    virtual ~Network() = default;
    /// Listens on `address` (a numeric address or a name; empty: all addresses of both families). Port 0:
    /// any. Error network names the port and the cause (in use, not permitted).
    virtual std::unique_ptr<Acceptor> listen(const std::string& address, std::uint16_t port) = 0;
    /// Connects, trying each address of `host` in turn within `limit` in all. Error network names host, port
    /// and cause (does not resolve, refused, unreachable, no answer within N s).
    virtual std::unique_ptr<Socket> connect(const std::string& host, std::uint16_t port,
                                            std::chrono::milliseconds limit,
                                            base::Cancellation& cancellation) = 0;
    /// The addresses, as Socket::peer writes them and each once, that DNS and the C library have for `host`
    /// (a name or a number); loopback ones left out. A name that nobody knows has none, and what has not
    /// answered within `limit` is logged and goes without saying. Error cancelled.
    virtual std::vector<std::string> addresses_of(const std::string& host, std::chrono::milliseconds limit,
                                                  base::Cancellation& cancellation) = 0;
    /// The addresses of this machine, in the same form; loopback ones left out.
    virtual std::vector<std::string> own_addresses() = 0;
};

}  // namespace ft::os
