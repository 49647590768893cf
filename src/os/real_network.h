#pragma once

#include "ft/os/network.h"

namespace ft::os {

class RealNetwork final : public Network {
public:
    std::unique_ptr<Acceptor> listen(const std::string& address, std::uint16_t port) override;
    std::unique_ptr<Socket> connect(const std::string& host, std::uint16_t port,
                                    std::chrono::milliseconds limit,
                                    base::Cancellation& cancellation) override;
};

}  // namespace ft::os
