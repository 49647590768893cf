#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "database/cluster.h"

namespace ft::test {

/// A socket in front of a cluster's. The first time that a client says `word`, the server hears it and
/// answers, but the client's connection is gone.
class CuttingProxy {
public:
    CuttingProxy(const Cluster& cluster, std::string word)
        : server_{cluster.connection().at("host")}, word_{std::move(word)}, listener_{unix_socket()} {
        const sockaddr_un address = address_of(place_.path());
        if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener_, 8) != 0 || ::chmod(address.sun_path, 0777) != 0 ||
            ::chmod(place_.path().c_str(), 0755) != 0) {
            throw std::runtime_error{"no proxy"};
        }
        accepting_ = std::thread{[this] { accept_all(); }};
    }
    ~CuttingProxy() {
        ::shutdown(listener_, SHUT_RDWR);
        accepting_.join();
        for (auto& thread : carrying_) thread.join();
        ::close(listener_);
    }
    const std::string& host() const { return place_.path(); }
    bool has_cut() const { return cut_; }
    int connections() const { return connections_; }

private:
    static int unix_socket() { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }
    static sockaddr_un address_of(const std::string& directory) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        (directory + "/.s.PGSQL.5432").copy(address.sun_path, sizeof address.sun_path - 1);
        return address;
    }

    void accept_all() {
        for (int client = 0; (client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
            ++connections_;
            carrying_.emplace_back([this, client] { carry(client); });
        }
    }

    void carry(int client) {
        const int server = unix_socket();
        const sockaddr_un address = address_of(server_);
        if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
            std::array<pollfd, 2> ends{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
            while (::poll(ends.data(), ends.size(), -1) > 0 && pass(ends[0], server, true) &&
                   pass(ends[1], client, false)) {
            }
        }
        ::close(client);
        ::close(server);
    }

    bool pass(const pollfd& from, int to, bool from_client) {
        if (from.revents == 0) return true;
        std::array<char, 65536> buffer;
        const ssize_t count = ::read(from.fd, buffer.data(), buffer.size());
        if (count <= 0) return false;
        const std::string_view text{buffer.data(), static_cast<std::size_t>(count)};
        const bool cut = from_client && text.find(word_) != std::string_view::npos && !cut_.exchange(true);
        if (::send(to, buffer.data(), text.size(), MSG_NOSIGNAL) != count) return false;
        // Not before the answer: ft's next session would end this one before the server has heard the word.
        if (!cut) return true;
        pollfd answer{to, POLLIN, 0};
        ::poll(&answer, 1, -1);
        return false;
    }

    Place place_;
    std::string server_;
    std::string word_;
    int listener_;
    std::atomic<bool> cut_{false};
    std::atomic<int> connections_{0};
    std::thread accepting_;
    std::vector<std::thread> carrying_;
};

}  // namespace ft::test
