#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "ft/os/network.h"
#include "os/wait.h"

namespace ft::os {

/// A socket address of either family.
struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;

    const sockaddr* pointer() const { return reinterpret_cast<const sockaddr*>(&storage); }
    sockaddr* pointer() { return reinterpret_cast<sockaddr*>(&storage); }
    int family() const { return storage.ss_family; }
    std::uint16_t port() const;
    void set_port(std::uint16_t port);
    /// "10.0.0.1" or "[fd00::1]"; an IPv4 address within IPv6 as the former.
    std::string text() const;
};

/// A resolver's answer: addresses, or what it said instead.
struct Resolved {
    std::vector<Address> addresses;
    std::string trouble;
};

/// The addresses of `host` (a number or a name; empty: any, to listen on, IPv6 first) with `port`; none, and
/// no trouble, when `deadline` came first. Error cancelled.
Resolved resolve(const std::string& host, std::uint16_t port, const Deadline& deadline,
                 base::Cancellation& cancellation);

}  // namespace ft::os
