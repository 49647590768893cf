#include <arpa/nameser.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <thread>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "os/address.h"
#include "os/real_network.h"

namespace ft::os {
namespace {

Address address_of(const sockaddr& from) {
    Address address;
    address.size = from.sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    std::memcpy(&address.storage, &from, address.size);
    return address;
}

bool is_loopback(const Address& address) {
    if (address.family() == AF_INET) {
        const auto number = ntohl(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr.s_addr);
        return number >> 24 == IN_LOOPBACKNET || number == INADDR_ANY;
    }
    const in6_addr& number = reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(&number) || IN6_IS_ADDR_UNSPECIFIED(&number);
}

void add(std::vector<std::string>& texts, const Address& address) {
    if (is_loopback(address)) return;
    std::string text = address.text();
    if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(std::move(text));
}

/// What is asked about a name, at the same time: each may take as long as the C library wants, and cannot be
/// interrupted. So threads ask, and one that nobody waits for any more ends when the library lets it.
class Questions {
public:
    explicit Questions(std::string host) : host_{std::move(host)} {}

    static constexpr int kAll = 3;
    void ask_library() {
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* answer = nullptr;
        std::vector<Address> found;
        if (::getaddrinfo(host_.c_str(), nullptr, &hints, &answer) == 0) {
            for (const addrinfo* each = answer; each != nullptr; each = each->ai_next)
                found.push_back(address_of(*each->ai_addr));
            ::freeaddrinfo(answer);
        }
        answered(found);
    }

    /// The name servers themselves: /etc/hosts often says of a machine's own name that it is 127.0.1.1.
    void ask_name_servers(ns_type type) {
        std::vector<Address> found;
        struct __res_state state {};
        if (::res_ninit(&state) == 0) {
            std::array<unsigned char, NS_MAXMSG> answer;
            const int size = ::res_nquery(&state, host_.c_str(), ns_c_in, type, answer.data(), answer.size());
            if (size > 0) found = addresses_in({answer.data(), static_cast<std::size_t>(size)}, type);
            ::res_nclose(&state);
        }
        answered(found);
    }

    const Wake& all_answered() const { return all_answered_; }
    std::vector<std::string> found() const {
        const std::lock_guard lock{mutex_};
        return found_;
    }

private:
    static std::vector<Address> addresses_in(std::span<const unsigned char> answer, ns_type type) {
        std::vector<Address> found;
        ns_msg message;
        if (::ns_initparse(answer.data(), static_cast<int>(answer.size()), &message) != 0) return found;
        for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
            ns_rr record;
            if (::ns_parserr(&message, ns_s_an, i, &record) != 0) break;
            if (ns_rr_type(record) != type) continue;  // an alias on the way
            Address address;
            if (type == ns_t_a && ns_rr_rdlen(record) == sizeof(in_addr)) {
                sockaddr_in v4{};
                v4.sin_family = AF_INET;
                std::memcpy(&v4.sin_addr, ns_rr_rdata(record), sizeof v4.sin_addr);
                address = address_of(reinterpret_cast<const sockaddr&>(v4));
            } else if (type == ns_t_aaaa && ns_rr_rdlen(record) == sizeof(in6_addr)) {
                sockaddr_in6 v6{};
                v6.sin6_family = AF_INET6;
                std::memcpy(&v6.sin6_addr, ns_rr_rdata(record), sizeof v6.sin6_addr);
                address = address_of(reinterpret_cast<const sockaddr&>(v6));
            } else {
                continue;
            }
            found.push_back(address);
        }
        return found;
    }

    void answered(const std::vector<Address>& addresses) {
        const std::lock_guard lock{mutex_};
        for (const Address& address : addresses) add(found_, address);
        if (++answers_ == kAll) all_answered_.set();
    }

    const std::string host_;
    mutable std::mutex mutex_;  // guards what follows
    std::vector<std::string> found_;
    int answers_ = 0;
    Wake all_answered_;
};

/// A number is its own answer.
bool is_number(const std::string& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* answer = nullptr;
    const bool number = ::getaddrinfo(host.c_str(), nullptr, &hints, &answer) == 0;
    if (number) ::freeaddrinfo(answer);
    return number;
}

}  // namespace

std::vector<std::string> RealNetwork::addresses_of(const std::string& host, std::chrono::milliseconds limit,
                                                   base::Cancellation& cancellation) {
    const auto questions = std::make_shared<Questions>(host);
    if (is_number(host)) {
        questions->ask_library();
        return questions->found();
    }
    const Wake wake;
    const auto hook = cancellation.on_request([&] { wake.set(); });
    std::thread{[questions] { questions->ask_library(); }}.detach();
    std::thread{[questions] { questions->ask_name_servers(ns_t_a); }}.detach();
    std::thread{[questions] { questions->ask_name_servers(ns_t_aaaa); }}.detach();
    pollfd what[] = {{questions->all_answered().number(), POLLIN, 0}, {wake.number(), POLLIN, 0}};
    const bool answered = wait_for(what, std::chrono::steady_clock::now() + limit);
    cancellation.check();
    if (!answered) base::log_info("{}: no whole answer about its addresses", base::escape(host));
    return questions->found();
}

std::vector<std::string> RealNetwork::own_addresses() {
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) throw base::system_error("list", "this machine's addresses", errno);
    std::vector<std::string> found;
    for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
        if (each->ifa_addr == nullptr) continue;
        const int family = each->ifa_addr->sa_family;
        if (family == AF_INET || family == AF_INET6) add(found, address_of(*each->ifa_addr));
    }
    ::freeifaddrs(all);
    return found;
}

}  // namespace ft::os
