#include "os/address.h"

#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>

namespace ft::os {
namespace {

/// A question to the C library's resolver, which cannot be interrupted: one that is given up is left to it.
struct Question {
    std::string host;
    std::string service;
    addrinfo hints{};
    gaicb item{};

    Question(const std::string& asked, std::uint16_t port) : host{asked}, service{std::to_string(port)} {
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_flags = AI_NUMERICSERV | (host.empty() ? AI_PASSIVE : 0);
        item.ar_name = host.empty() ? nullptr : host.c_str();
        item.ar_service = service.c_str();
        item.ar_request = &hints;
    }
    ~Question() {
        if (item.ar_result != nullptr) ::freeaddrinfo(item.ar_result);
    }
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;
};

/// Gives the question up: forgotten when the resolver has not begun, else its own to finish.
void give_up(std::unique_ptr<Question> question) {
    if (::gai_cancel(&question->item) == EAI_NOTCANCELED) static_cast<void>(question.release());
}

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
    return family() == AF_INET6 ? "[" + std::string{shown} + "]" : std::string{shown};
}

Resolved resolve(const std::string& host, std::uint16_t port, const Deadline& deadline,
                 base::Cancellation& cancellation) {
    auto question = std::make_unique<Question>(host, port);
    gaicb* item = &question->item;
    int code = ::getaddrinfo_a(GAI_NOWAIT, &item, 1, nullptr);
    if (code == 0) {
        // The wait ends with the answer; the pieces are for cancellation, which cannot end it.
        while ((code = ::gai_error(item)) == EAI_INPROGRESS) {
            const bool late = deadline && std::chrono::steady_clock::now() >= *deadline;
            if (late || cancellation.requested()) {
                give_up(std::move(question));
                cancellation.check();
                return {};
            }
            const timespec piece{0, 50'000'000};
            ::gai_suspend(&item, 1, &piece);
        }
    }
    if (code != 0) return {{}, code == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(code)};
    Resolved resolved;
    for (const addrinfo* each = item->ar_result; each != nullptr; each = each->ai_next) {
        Address& address = resolved.addresses.emplace_back();
        std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
        address.size = each->ai_addrlen;
    }
    return resolved;
}

}  // namespace ft::os
