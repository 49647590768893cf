#include "os/address.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>
#include <thread>

namespace ft::os {
namespace {

/// A question to the C library's resolver, which may take minutes and cannot be interrupted: so a thread asks
/// it, and one that nobody waits for any more ends when the resolver lets it.
struct Question {
    std::string host;
    std::string service;
    Wake answered{};
    addrinfo* answer = nullptr;
    int code = 0;
    int system_code = 0;

    Question(std::string asked, std::uint16_t port) : host{std::move(asked)}, service{std::to_string(port)} {}
    ~Question() {
        if (answer != nullptr) ::freeaddrinfo(answer);
    }
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;

    void ask() {
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_flags = AI_NUMERICSERV;
        code = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &answer);
        system_code = errno;
        answered.set();
    }
};

}  // namespace

std::uint16_t Address::port() const {
    return ntohs(family() == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port
                                      : reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

void Address::set_port(std::uint16_t port) {
    (family() == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port
                          : reinterpret_cast<sockaddr_in*>(&storage)->sin_port) = htons(port);
}

std::string Address::text() const {
    char host[NI_MAXHOST];
    if (::getnameinfo(pointer(), size, host, sizeof host, nullptr, 0, NI_NUMERICHOST) != 0)
        return "unknown address";
    constexpr std::string_view kMapped = "::ffff:";
    const std::string_view shown{host};
    if (shown.starts_with(kMapped) && shown.find('.') != std::string_view::npos) {
        return std::string{shown.substr(kMapped.size())};
    }
    return family() == AF_INET6 ? fmt::format("[{}]", shown) : std::string{shown};
}

Resolved resolve(const std::string& host, std::uint16_t port, const Deadline& deadline,
                 const Wake& cancelled) {
    const auto question = std::make_shared<Question>(host, port);
    std::thread asking{[question] { question->ask(); }};
    pollfd what[] = {{question->answered.number(), POLLIN, 0}, {cancelled.number(), POLLIN, 0}};
    wait_for(what, deadline);
    if (what[0].revents == 0) {
        asking.detach();
        return {};
    }
    asking.join();
    if (question->code == EAI_SYSTEM) return {{}, std::strerror(question->system_code)};
    if (question->code != 0) return {{}, ::gai_strerror(question->code)};
    Resolved resolved;
    for (const addrinfo* each = question->answer; each != nullptr; each = each->ai_next) {
        Address& address = resolved.addresses.emplace_back();
        std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
        address.size = each->ai_addrlen;
    }
    return resolved;
}

}  // namespace ft::os
