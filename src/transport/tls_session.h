#pragma once

#include <openssl/ssl.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "ft/base/bytes.h"

namespace ft::transport {

/// What the client asks for by ALPN (docs/protocol.md, "TLS").
inline constexpr std::string_view kControlProtocol = "ft/1";
inline constexpr std::string_view kRsyncProtocol = "rsync";

/// TLS 1.3 with an external pre-shared key and an ephemeral exchange, and nothing else, over a stream.
///
/// One thread for handshake; after it one reading and one writing thread. Reading never writes to the stream:
/// what TLS itself wants to answer goes out with the next write.
/// Errors: network, one line without the other side's name; peer when it floods us with TLS's own messages.
class TlsSession {
public:
    enum class Role { client, server };

    /// `protocol`: what a client asks for; a server takes either. `below` outlives the session.
    TlsSession(base::Stream& below, Role role, const std::array<std::byte, 32>& key,
               std::string_view protocol = {});
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    /// Returns when the other side proved that it knows the key. `before_wait` is called before each read
    /// from the stream: it sets the deadline, or throws when it has passed.
    void handshake(const std::function<void()>& before_wait = [] {});
    /// The agreed protocol; after handshake.
    std::string_view protocol() const { return protocol_; }

    /// 0 after the peer's close_notify only; a stream that ends without one is Error network.
    std::size_t read_some(std::span<std::byte> into) { return take(SSL_read_ex, into); }
    /// Waits until there is something to read. False: the peer's close_notify came instead.
    bool wait();
    void write(std::span<const std::byte> data);
    void flush();
    /// Flushes and sends close_notify; nothing is written after it.
    void finish_writing();

    std::uint64_t bytes_received() const { return received_; }  ///< of the stream below; any thread
    std::uint64_t bytes_sent() const { return sent_; }

private:
    std::size_t take(int (*from)(SSL*, void*, std::size_t, std::size_t*), std::span<std::byte> into);
    void receive();
    void check_agreed();
    void send_collected();
    /// Sends what `produce` (under mutex_) and TLS itself have to say.
    void send(const std::function<void()>& produce);

    base::Stream& below_;
    Role role_;
    std::array<std::byte, 32> key_;
    std::string protocol_;
    std::mutex mutex_;  // around every use of ssl_ after the handshake; never held while below_ is called
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
    base::Bytes incoming_;   // of the reading thread
    base::Bytes collected_;  // of the writing thread: not yet encrypted
    std::atomic<std::uint64_t> received_{0};
    std::atomic<std::uint64_t> sent_{0};
};

}  // namespace ft::transport
