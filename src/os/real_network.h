#pragma once

#include "ft/os/network.h"

namespace ft::os {

class RealNetwork final : public Network {
public:
    std::unique_ptr<Acceptor> listen(const std::string& address, std::uint16_t port) override;
    std::unique_ptr<Socket> connect(const std::string& host, std::uint16_t port,
                                    std::chrono::milliseconds limit,
                                    base::Cancellation& cancellation) override;
    std::vector<std::string> addresses_of(const std::string& host, std::chrono::milliseconds limit,
                                          base::Cancellation& cancellation) override;
    std::vector<std::string> own_addresses() override;
};

}  // namespace ft::os
