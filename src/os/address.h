#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

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

/// The addresses of `host` (a number or a name) with `port`; none, and no trouble, when `deadline` or
/// `cancelled` came first.
Resolved resolve(const std::string& host, std::uint16_t port, const Deadline& deadline,
                 const Wake& cancelled);

}  // namespace ft::os
