#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "transport/socket_connection.h"

namespace ft::transport {
namespace {

using base::Error;
using base::ErrorKind;

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (fault != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

/// What no name and no numeric address holds, and what shows that a path or a user was typed as well.
bool is_foreign(char c) {
    return static_cast<unsigned char>(c) <= ' ' ||
           std::string_view{"/@[]\x7f"}.find(c) != std::string_view::npos;
}

}  // namespace

std::unique_ptr<Connection> connect(os::Network& network, const std::string& host, std::uint16_t port,
                                    const PairingCode& code, Purpose purpose, const Limits& limits,
                                    base::Cancellation& cancellation) {
    if (purpose == Purpose::plain_rsync)
        throw Error{ErrorKind::internal, "who has a code does not speak plain"};
    HeldSocket socket{network.connect(host, port, limits.connect, cancellation), cancellation};
    try {
        auto connection = shake_hands(std::move(socket), TlsSession::Role::client, code.key(), purpose,
                                      Deadline{limits.handshake}, limits);
        connection->let_go();
        return connection;
    } catch (const Error& error) {
        cancellation.check();
        const bool v6 = host.find(':') != std::string::npos;
        throw error.on(v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port));
    }
}

Address parse_address(const std::string& text, std::uint16_t default_port) {
    const auto refuse = [&](std::string_view why) -> Error {
        return {ErrorKind::usage, fmt::format("\"{}\" {}", base::escape(text), why),
                "Write HOST, HOST:PORT or [IPV6]:PORT."};
    };
    std::string_view host = text;
    std::optional<std::string_view> port;
    if (host.starts_with('[')) {
        const std::size_t end = host.find(']');
        if (end == std::string_view::npos) throw refuse("has no closing bracket");
        if (end + 1 < host.size()) {
            if (host[end + 1] != ':') throw refuse("has text after the bracket");
            port = host.substr(end + 2);
        }
        host = host.substr(1, end - 1);
    } else if (std::count(host.begin(), host.end(), ':') == 1) {
        port = host.substr(host.find(':') + 1);
        host = host.substr(0, host.find(':'));
    }
    if (host.empty() || std::any_of(host.begin(), host.end(), is_foreign))
        throw refuse("is no host name or address");
    if (!port) return {std::string{host}, default_port};
    const auto number = parse_port(*port);
    if (!number) throw refuse("has no port from 1 to 65535 after the colon");
    return {std::string{host}, *number};
}

}  // namespace ft::transport
