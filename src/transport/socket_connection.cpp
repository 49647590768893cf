#include "transport/socket_connection.h"

#include <fmt/format.h>

#include "ft/base/error.h"

namespace ft::transport {
namespace {

class TlsConnection : public SocketConnection {
public:
    TlsConnection(HeldSocket held, TlsSession::Role role, const std::array<std::byte, 32>& key,
                  Purpose purpose)
        : SocketConnection{std::move(held), purpose},
          session_{socket(), role, key, purpose == Purpose::control ? kControlProtocol : kRsyncProtocol} {}

    void handshake(const Deadline& deadline) {
        try {
            session_.handshake([&] { deadline.arm(socket()); });
        } catch (const base::Error&) {
            if (deadline.passed()) throw deadline.error();
            throw;
        }
        purpose_ = session_.protocol() == kControlProtocol ? Purpose::control : Purpose::rsync;
    }
    void set_idle_limit(std::chrono::milliseconds limit) { socket().set_idle_limit(limit); }

    std::size_t read_some(std::span<std::byte> into) override { return session_.read_some(into); }
    bool wait_for_peer() override { return session_.wait(); }
    void write(std::span<const std::byte> data) override { session_.write(data); }
    void flush() override { session_.flush(); }
    void finish_writing() override {
        session_.finish_writing();
        socket().finish_writing();
    }
    std::uint64_t bytes_received() const override { return session_.bytes_received(); }
    std::uint64_t bytes_sent() const override { return session_.bytes_sent(); }

private:
    TlsSession session_;
};

class PlainConnection : public SocketConnection {
public:
    explicit PlainConnection(HeldSocket held) : SocketConnection{std::move(held), Purpose::plain_rsync} {}

    std::size_t read_some(std::span<std::byte> into) override {
        const std::size_t length = socket().read_some(into);
        received_ += length;
        return length;
    }
    bool wait_for_peer() override { return socket().peek().has_value(); }
    void write(std::span<const std::byte> data) override {
        socket().write(data);
        sent_ += data.size();
    }
    void flush() override { socket().flush(); }
    void finish_writing() override { socket().finish_writing(); }
    std::uint64_t bytes_received() const override { return received_; }
    std::uint64_t bytes_sent() const override { return sent_; }

private:
    std::atomic<std::uint64_t> received_{0};
    std::atomic<std::uint64_t> sent_{0};
};

}  // namespace

void Deadline::arm(os::Socket& socket) const {
    const auto left = end_ - std::chrono::steady_clock::now();
    if (left <= left.zero()) throw error();
    socket.set_idle_limit(std::chrono::ceil<std::chrono::milliseconds>(left));
}

base::Error Deadline::error() const {
    const double seconds = std::chrono::duration<double>(limit_).count();
    return {base::ErrorKind::network, fmt::format("no answer within {:g} s", seconds)};
}

std::unique_ptr<SocketConnection> shake_hands(HeldSocket socket, TlsSession::Role role,
                                              const std::array<std::byte, 32>& key, Purpose purpose,
                                              const Deadline& deadline, const Limits& limits) {
    auto connection = std::make_unique<TlsConnection>(std::move(socket), role, key, purpose);
    connection->handshake(deadline);
    connection->set_idle_limit(connection->purpose() == Purpose::control ? limits.idle
                                                                         : limits.transfer_idle);
    return connection;
}

std::unique_ptr<SocketConnection> make_plain(HeldSocket socket, std::chrono::milliseconds idle) {
    socket.socket->set_idle_limit(idle);
    return std::make_unique<PlainConnection>(std::move(socket));
}

}  // namespace ft::transport
