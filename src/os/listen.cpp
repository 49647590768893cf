#include <netinet/in.h>

#include <atomic>
#include <cstring>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "os/address.h"
#include "os/real_network.h"
#include "os/real_socket.h"

namespace ft::os {
namespace {

using base::Error;
using base::ErrorKind;

class RealAcceptor final : public Acceptor {
public:
    RealAcceptor(std::vector<Fd> listening, std::uint16_t port)
        : listening_{std::move(listening)}, port_{port} {
        for (const Fd& fd : listening_) what_.push_back({fd.number(), POLLIN, 0});
        what_.push_back({end_.number(), POLLIN, 0});
    }

    std::unique_ptr<Socket> accept() override {
        while (true) {
            wait_for(what_, std::nullopt);
            if (what_.back().revents != 0) return nullptr;
            for (const Fd& fd : listening_) {
                Address from;
                from.size = sizeof from.storage;
                Fd socket{::accept4(fd.number(), from.pointer(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC)};
                if (socket.is_open()) return std::make_unique<RealSocket>(std::move(socket), from.text());
                survive(errno);
            }
        }
    }
    void shut_down() noexcept override { end_.set(); }
    std::uint16_t port() const override { return port_; }

private:
    /// Returns when accepting can go on after `code`; else throws.
    void survive(int code) const {
        if (code == EBADF || code == EINVAL || code == ENOTSOCK || code == EOPNOTSUPP || code == EFAULT) {
            throw base::system_error("accept on", "port " + std::to_string(port_), code);
        }
        // No room for another connection: one that ends makes some. All else befell a single caller.
        if (code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM) {
            pollfd end{end_.number(), POLLIN, 0};
            wait_for({&end, 1}, std::chrono::steady_clock::now() + std::chrono::milliseconds{200});
        }
    }

    std::vector<Fd> listening_;
    std::uint16_t port_;
    Wake end_;
    std::vector<pollfd> what_;
};

/// A listening socket, and the port in `address` when that was 0; closed, with errno, when that fails.
Fd listen_on(Address& address, bool both_families) {
    Fd socket{::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const int on = 1;
    const int v6_only = both_families ? 0 : 1;
    const bool v6 = address.family() == AF_INET6;
    const bool listens =
        socket.is_open() && ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (!v6 || ::setsockopt(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only) == 0) &&
        ::bind(socket.number(), address.pointer(), address.size) == 0 && ::listen(socket.number(), 64) == 0 &&
        ::getsockname(socket.number(), address.pointer(), &address.size) == 0;
    return listens ? std::move(socket) : Fd{};
}

Error failure(const std::string& address, std::uint16_t port, int code) {
    const std::string target =
        (address.empty() ? "" : base::escape(address) + ", ") + "port " + std::to_string(port);
    switch (code) {
        case EADDRINUSE:
            return {ErrorKind::network, target + ": in use by another program",
                    "Stop that program (`ss -ltnp` names it), or choose another port."};
        case EACCES:
            return {ErrorKind::network, target + ": not permitted",
                    "Run as root, or choose a port above 1023."};
        case EADDRNOTAVAIL:
            return {ErrorKind::network, target + ": not an address of this server",
                    "`ip address` lists those that are."};
        default:
            return {ErrorKind::network, target + ": cannot listen (" + std::strerror(code) + ")"};
    }
}

/// True when this server has no such address, or no addresses of that family at all.
bool lacks_address(int code) { return code == EAFNOSUPPORT || code == EADDRNOTAVAIL; }

Address any(int family, std::uint16_t port) {
    Address address;  // all zero: the unspecified address of either family
    address.storage.ss_family = static_cast<sa_family_t>(family);
    address.size = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    address.set_port(port);
    return address;
}

}  // namespace

std::unique_ptr<Acceptor> RealNetwork::listen(const std::string& address, std::uint16_t port) {
    std::vector<Fd> listening;
    if (address.empty()) {
        Address here = any(AF_INET6, port);
        Fd socket = listen_on(here, true);
        if (!socket.is_open() && lacks_address(errno)) {
            here = any(AF_INET, port);  // a system without IPv6
            socket = listen_on(here, false);
        }
        if (!socket.is_open()) throw failure(address, port, errno);
        listening.push_back(std::move(socket));
        return std::make_unique<RealAcceptor>(std::move(listening), here.port());
    }
    constexpr std::chrono::seconds kLimit{20};
    const Resolved found = resolve(address, port, std::chrono::steady_clock::now() + kLimit, Wake{});
    if (found.addresses.empty()) {
        throw Error{ErrorKind::network,
                    base::escape(address) + ": does not resolve (" +
                        (found.trouble.empty() ? "no answer within " + shown(kLimit) : found.trouble) + ")",
                    "Check the name, or give one of this server's addresses instead."};
    }
    std::uint16_t chosen = port;
    int code = 0;
    for (Address here : found.addresses) {
        here.set_port(chosen);
        Fd socket = listen_on(here, false);
        if (!socket.is_open()) {
            code = errno;
            if (lacks_address(code)) continue;  // of the other family, perhaps
            throw failure(address, port, code);
        }
        chosen = here.port();
        listening.push_back(std::move(socket));
    }
    if (listening.empty()) throw failure(address, port, code);
    return std::make_unique<RealAcceptor>(std::move(listening), chosen);
}

}  // namespace ft::os
