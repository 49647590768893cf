#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ft/base/bytes.h"
#include "ft/base/cancellation.h"
#include "ft/os/network.h"
#include "ft/transport/pairing_code.h"

namespace ft::transport {

/// What a connection is for: the ALPN name after TLS, or plain rsync.
enum class Purpose { control, rsync, plain_rsync };

/// A connection whose other side proved that it knows the code (or, plain_rsync, has proved nothing yet).
/// One reading and one writing thread.
class Connection : public base::Stream {
public:
    virtual Purpose purpose() const = 0;
    virtual std::string peer() const = 0;              ///< address, for people
    virtual std::uint64_t bytes_received() const = 0;  ///< on the wire, TLS included; any thread
    virtual std::uint64_t bytes_sent() const = 0;
    /// Waits until the other side has said something, which read_some gives then. False: it has ended its
    /// direction instead. Errors as read_some.
    virtual bool wait_for_peer() = 0;
    /// Ends our direction in an orderly way (TLS close_notify): what follows is the peer's end of stream.
    virtual void finish_writing() = 0;
};

struct Limits {
    std::chrono::milliseconds connect{20000};
    std::chrono::milliseconds handshake{10000};  ///< from accept or connect to the proved code, in all
    std::chrono::milliseconds idle{
        60000};  ///< without a byte on a control channel, where both sides show life
    /// Without a byte on a transfer: scanning a large tree and hashing a large basis file are silent. Whether
    /// the other side lives is told by the control channel beside it.
    std::chrono::milliseconds transfer_idle{std::chrono::minutes{30}};
};

/// Connects to a source, TLS 1.3 with the pre-shared key only. `host` is a name or a numeric address.
/// `purpose` is control or rsync: who has a code does not speak plain. `cancellation` ends the attempt only;
/// the connection that is returned is the caller's to shut down. Errors, one line with host, port and cause:
/// network (does not resolve, refused, unreachable, silent), stranger (wrong code, or what answers is no ft;
/// rsync's greeting is told apart), cancelled.
std::unique_ptr<Connection> connect(os::Network& network, const std::string& host, std::uint16_t port,
                                    const PairingCode& code, Purpose purpose, const Limits& limits,
                                    base::Cancellation& cancellation);

/// Accepts connections until it is stopped.
class Listener {
public:
    /// Binds at once: Error network names the port and the cause. `network` outlives the Listener.
    Listener(os::Network& network, const std::string& address, std::uint16_t port, PairingCode code,
             bool allow_plain, Limits limits);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    std::uint16_t port() const;
    /// Serves until `cancellation` is requested: each connection on a thread of its own, first byte, TLS
    /// handshake, then `handle`, which owns the connection and ends it before it returns; an Error that
    /// leaves `handle` ends that connection only, what is no std::exception ends all and is rethrown here.
    /// `refused` hears why an unproved connection was closed (peer, reason), at most one line an address and
    /// minute, one call at a time. At most 64 unproved connections, 8 an address: the oldest goes; at most 32
    /// of plain rsync. Returns when all threads ended; connections are shut down at cancellation. Called
    /// once.
    void run(const std::function<void(std::unique_ptr<Connection>)>& handle,
             const std::function<void(const std::string&, const std::string&)>& refused,
             base::Cancellation& cancellation);

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// "host", "host:port", "[v6]" or "[v6]:port"; a bare v6 address too. Error usage.
struct Address {
    std::string host;
    std::uint16_t port = 873;
};
Address parse_address(const std::string& text, std::uint16_t default_port = 873);

}  // namespace ft::transport
