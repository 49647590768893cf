#pragma once

#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "ft/base/error.h"
#include "ft/os/machine.h"
#include "ft/rsync/serve.h"
#include "support/memory_disk.h"

namespace ft::test {

/// A directory of this test, gone with it.
class Scratch {
public:
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "ft-interop-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"mkdtemp"};
        path_ = name;
    }
    ~Scratch() { std::filesystem::remove_all(path_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

inline os::Finished run(os::Machine& machine, std::vector<std::string> arguments,
                        std::map<std::string, std::string> environment = {}) {
    base::Cancellation cancellation;
    return machine.processes().run({.arguments = std::move(arguments),
                                    .environment = std::move(environment),
                                    .user = {},
                                    .working_directory = nullptr},
                                   cancellation);
}

/// All about a tree that tools other than ours can say; times of links too, and of each name that is not
/// alone how many it has and which is the first of them.
inline std::string listing_by_find(os::Machine& machine, const std::string& path) {
    const std::string script =
        "cd \"$1\" && find . -path ./.ft-staging -prune -o -printf '%P|%y|%m|%U|%G|%T@|%l\\n' | LC_ALL=C "
        "sort && "
        "find . -path ./.ft-staging -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum && "
        "find . -path ./.ft-staging -prune -o \\( -type b -o -type c \\) -print0 | LC_ALL=C sort -z | "
        "xargs -0r stat -c '%n %t:%T' && "
        "find . -path ./.ft-staging -prune -o ! -type d -links +1 -printf '%i %n %P\\0' | LC_ALL=C sort -z "
        "-k3 | "
        "tr '\\n\\0' '\\001\\n' | awk '{ i = $1; $1 = \"\"; if (!(i in first)) first[i] = $0; print $0 \" is "
        "\" "
        "first[i] }'";
    const os::Finished finished = run(machine, {"sh", "-c", script, "sh", path});
    if (finished.status != 0) throw std::runtime_error{finished.errors};
    return finished.output;
}

/// What only one of two trees has, line by line of listing_by_find; empty when they are equal.
inline std::string difference_by_find(os::Machine& machine, const std::string& ours,
                                      const std::string& theirs) {
    const auto lines_of = [&](const std::string& path) {
        std::multiset<std::string> lines;
        std::istringstream listing{listing_by_find(machine, path)};
        for (std::string line; std::getline(listing, line);) lines.insert(line);
        return lines;
    };
    const auto our_lines = lines_of(ours);
    const auto their_lines = lines_of(theirs);
    std::string difference;
    const auto only = [&](const auto& here, const auto& there, const char* mark) {
        std::vector<std::string> found;
        std::set_difference(here.begin(), here.end(), there.begin(), there.end(), std::back_inserter(found));
        for (const std::string& line : found) difference += mark + line + "\n";
    };
    only(our_lines, their_lines, "ours: ");
    only(their_lines, our_lines, "theirs: ");
    return difference;
}

/// Our daemon on a port of loopback, serving one connection after the other.
class OurDaemon {
public:
    OurDaemon(os::Machine& machine, rsync::ServeOptions options)
        : options_{std::move(options)}, acceptor_{machine.network().listen("127.0.0.1", 0)}, thread_{[this] {
              run();
          }} {}
    ~OurDaemon() { stop(); }
    std::string url(const std::string& module) const {
        return "rsync://127.0.0.1:" + std::to_string(acceptor_->port()) + "/" + module;
    }
    std::string url_of(const std::string& user, const std::string& module) const {
        return "rsync://" + user + "@127.0.0.1:" + std::to_string(acceptor_->port()) + "/" + module;
    }
    /// All sessions so far; errors as `refused`.
    std::vector<rsync::Served> stop() {
        acceptor_->shut_down();
        if (thread_.joinable()) thread_.join();
        return served_;
    }

private:
    void run() {
        while (const auto socket = acceptor_->accept()) {
            base::Progress progress;
            base::Cancellation cancellation;
            try {
                served_.push_back(rsync::serve(*socket, options_, progress, cancellation));
            } catch (const base::Error& error) {
                served_.emplace_back();
                served_.back().refused = std::string{"error: "} + error.what();
            }
        }
    }

    rsync::ServeOptions options_;
    std::unique_ptr<os::Acceptor> acceptor_;
    std::vector<rsync::Served> served_;
    std::thread thread_;
};

/// A stock daemon for one connection, given to it as stdin the way inetd does: no port to guess, nothing to
/// wait for.
class StockDaemon {
public:
    explicit StockDaemon(const std::string& config, int protocol = 32)
        : config_{config}, protocol_{"--protocol=" + std::to_string(protocol)} {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_, generic, length) != 0 || ::listen(listener_, 1) != 0 ||
            ::getsockname(listener_, generic, &length) != 0) {
            throw std::runtime_error{"cannot listen"};
        }
        port_ = ntohs(address.sin_port);
        thread_ = std::thread{[this] { run(); }};
    }
    ~StockDaemon() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    StockDaemon(const StockDaemon&) = delete;
    StockDaemon& operator=(const StockDaemon&) = delete;
    std::uint16_t port() const { return port_; }

private:
    void run() {
        const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) return;
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, connection, 0);
        ::posix_spawn_file_actions_adddup2(&actions, connection, 1);
        std::string config = "--config=" + config_;
        std::string name = "rsync";
        std::string daemon = "--daemon";
        std::string protocol = protocol_;
        char* arguments[] = {name.data(), daemon.data(), config.data(), protocol.data(), nullptr};
        pid_t child = 0;
        const int failed = ::posix_spawnp(&child, "rsync", &actions, nullptr, arguments, environ);
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(connection);
        int status = 0;
        if (failed == 0) ::waitpid(child, &status, 0);
    }

    std::string config_;
    std::string protocol_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

/// A tree with one of each; `big` is its largest file.
inline Tree sample_tree(const std::string& big) {
    const auto file = [](std::string content, std::uint32_t mode = 0644, std::uint32_t owner = 0) {
        return TreeObject{
            base::FileType::regular, {mode, owner, owner, {1'700'000'001, 123'456'789}}, std::move(content)};
    };
    const auto directory = [](std::uint32_t mode = 0755) {
        return TreeObject{base::FileType::directory, {mode, 0, 0, {1'600'000'000, 5}}, ""};
    };
    return {{".", directory(0750)},
            {"big", file(big)},
            {"empty", file("")},
            {"setuid", file("x", 04755, 1)},
            {"stranger", file("y", 0600, 54321)},
            {"two words\n\xff", file("z")},
            {"link", {base::FileType::symlink, {0777, 0, 0, {1'500'000'000, 0}}, "nowhere"}},
            {"disk", {base::FileType::block_device, {0660, 0, 6, {1'500'000'000, 0}}, "8:17"}},
            {"tty", {base::FileType::character_device, {0600, 0, 0, {1'500'000'000, 0}}, "4:65"}},
            {"pipe", {base::FileType::fifo, {0600, 0, 0, {1'500'000'000, 0}}, ""}},
            {"sub", directory()},
            {"sub/deep", directory(01777)},
            {"sub/deep/file", file(std::string(100'000, '\0') + "end")},
            {"sub/empty", directory(0700)},
            {"sub-way", directory()},
            {"sub-way/file", file("way")}};
}

inline std::string noise(std::size_t length, std::uint32_t seed = 1) {
    std::string data;
    for (; data.size() < length; data += static_cast<char>(seed >> 24)) seed = seed * 1664525 + 1013904223;
    return data;
}

}  // namespace ft::test
