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
using std::chrono::steady_clock;

/// 0 or the errno of an attempt to connect; ETIMEDOUT when `deadline` came first. Error cancelled.
int try_to_connect(const Fd& socket, const Address& to, steady_clock::time_point deadline, const Wake& wake,
                   const base::Cancellation& cancellation) {
    if (!socket.is_open()) return errno;
    if (::connect(socket.number(), to.pointer(), to.size) == 0) return 0;
    if (errno != EINPROGRESS && errno != EINTR) return errno;
    pollfd what[] = {{socket.number(), POLLOUT, 0}, {wake.number(), POLLIN, 0}};
    const bool answered = wait_for(what, deadline);
    cancellation.check();
    int code = ETIMEDOUT;
    socklen_t size = sizeof code;
    if (answered && ::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &code, &size) != 0) return errno;
    return code;
}

/// True for what says more about this server's network than about the other side.
bool is_local(int code) { return code == ENETUNREACH || code == EAFNOSUPPORT || code == EADDRNOTAVAIL; }

Error failure(const std::string& target, std::uint16_t port, int code, std::chrono::milliseconds limit) {
    const std::string number = std::to_string(port);
    switch (code) {
        case ECONNREFUSED:
            return {ErrorKind::network, target + ": connection refused: nobody listens there",
                    "Start ft on the other server first, and check address and port."};
        case ETIMEDOUT:
            return {ErrorKind::network, target + ": no answer within " + shown(limit),
                    "Check the address, and that firewalls let TCP port " + number + " through."};
        case ENETUNREACH:
        case EHOSTUNREACH:
            return {ErrorKind::network, target + ": unreachable (" + std::strerror(code) + ")",
                    "Check the address and the network between the servers."};
        default:
            return {ErrorKind::network, target + ": cannot connect (" + std::strerror(code) + ")"};
    }
}

}  // namespace

std::unique_ptr<Socket> RealNetwork::connect(const std::string& host, std::uint16_t port,
                                             std::chrono::milliseconds limit,
                                             base::Cancellation& cancellation) {
    const auto deadline = steady_clock::now() + limit;
    const bool v6 = host.find(':') != std::string::npos;
    const std::string target = base::escape(v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
    const Wake wake;
    const auto hook = cancellation.on_request([&] { wake.set(); });
    const Resolved found = resolve(host, port, deadline, wake);
    cancellation.check();
    if (found.addresses.empty()) {
        throw Error{ErrorKind::network,
                    target + ": does not resolve (" +
                        (found.trouble.empty() ? "no answer within " + shown(limit) : found.trouble) + ")",
                    "Check the name, or give the server's address instead."};
    }
    int code = 0;
    for (std::size_t i = 0; i < found.addresses.size(); ++i) {
        const Address& address = found.addresses[i];
        // A fair share each: an address without an answer leaves time for the others.
        const auto now = steady_clock::now();
        const auto share = (deadline - now) / static_cast<long>(found.addresses.size() - i);
        Fd socket{::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
        const int result = try_to_connect(socket, address, now + share, wake, cancellation);
        if (result == 0) return std::make_unique<RealSocket>(std::move(socket), address.text());
        if (code == 0 || !is_local(result)) code = result;
    }
    throw failure(target, port, code, limit);
}

}  // namespace ft::os
