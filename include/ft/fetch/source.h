#pragma once

#include <cstdint>
#include <string>

#include "ft/os/machine.h"
#include "ft/transport/connection.h"

namespace ft::fetch {

/// Where the source is.
struct Source {
    os::Machine& machine;
    std::string host;
    std::uint16_t port;
    transport::PairingCode code;
    transport::Limits limits;
};

}  // namespace ft::fetch
