#include <catch2/catch.hpp>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "ft/base/error.h"
#include "ft/os/machine.h"
#include "ft/transport/connection.h"

// What docs/protocol.md says, proved with peers that are not ours: openssl's test client and server, stock
// rsync.

namespace ft::transport {
namespace {

using namespace std::chrono_literals;

// Secret 00 01 ... 0f of docs/protocol.md.
constexpr const char* kCode = "000G-40R4-0M30-E209-185G-R38E-1W0H";
constexpr const char* kKey = "448bb9b3839f3093ed89d0ac24f42951622b1f115304df440c8418bbaa83b07c";

std::string read_line(base::ByteSource& source) {
    std::string line;
    std::array<std::byte, 1> next;
    while (source.read_some(next) == 1 && next[0] != std::byte{'\n'}) line += static_cast<char>(next[0]);
    return line;
}

/// A listener that answers each line with what it understood.
class Source {
public:
    explicit Source(os::Network& network)
        : listener_{network, "127.0.0.1", 0, PairingCode::parse(kCode), false, {}}, thread_{[this] {
              listener_.run(
                  [](auto connection) {
                      const bool control = connection->purpose() == Purpose::control;
                      const std::string line = read_line(*connection);
                      connection->write(
                          base::as_bytes((control ? "control heard " : "rsync heard ") + line + "\n"));
                      connection->finish_writing();
                  },
                  [this](const std::string&, const std::string& reason) {
                      const std::lock_guard lock{mutex_};
                      refused_ = reason;
                      heard_.notify_all();
                  },
                  cancellation_);
          }} {}
    ~Source() { stop(); }
    std::string port() const { return std::to_string(listener_.port()); }
    void stop() {
        cancellation_.request("the end of the test");
        if (thread_.joinable()) thread_.join();
    }
    /// Waits until a connection was refused: the reason.
    std::string refused() {
        std::unique_lock lock{mutex_};
        heard_.wait(lock, [&] { return !refused_.empty(); });
        return refused_;
    }

private:
    base::Cancellation cancellation_;
    Listener listener_;
    std::mutex mutex_;
    std::condition_variable heard_;
    std::string refused_;
    std::thread thread_;
};

struct Fixture {
    std::unique_ptr<os::Machine> machine = os::make_machine();
    base::Cancellation cancellation;

    os::Finished shell(const std::string& script) {
        return machine->processes().run({.arguments = {"sh", "-c", script}}, cancellation);
    }
    /// openssl's client, which says "hello" and shows what it hears.
    os::Finished s_client(const Source& source, const std::string& options) {
        return shell("echo hello | openssl s_client -quiet -connect 127.0.0.1:" + source.port() + " " +
                     options);
    }

    /// Connects to openssl's server with `options`: what it answers to "hello", which it is told to reverse.
    std::string ask_s_server(const std::string& options) {
        std::mutex mutex;
        std::condition_variable changed;
        std::optional<std::uint16_t> port;
        base::Cancellation stop;
        std::thread server{[&] {
            try {
                machine->processes().run(
                    {.arguments = {"sh", "-c",
                                   "exec openssl s_server -accept 127.0.0.1:0 -naccept 1 -rev " + options +
                                       " 1>&2"}},
                    stop, [&](std::string_view line) {
                        if (!line.starts_with("ACCEPT 127.0.0.1:")) return;
                        const std::lock_guard lock{mutex};
                        port = static_cast<std::uint16_t>(
                            std::stoi(std::string{line.substr(line.rfind(':') + 1)}));
                        changed.notify_all();
                    });
            } catch (const base::Error&) {  // stopped
            }
            const std::lock_guard lock{mutex};
            if (!port) port = 0;
            changed.notify_all();
        }};
        {
            std::unique_lock lock{mutex};
            changed.wait(lock, [&] { return port.has_value(); });
        }
        std::string answer;
        try {
            const auto connection = connect(machine->network(), "127.0.0.1", *port, PairingCode::parse(kCode),
                                            Purpose::control, {}, cancellation);
            connection->write(base::as_bytes("hello\n"));
            connection->flush();
            answer = read_line(*connection);
        } catch (const base::Error& error) {
            const std::string line = error.what();
            answer = line.substr(line.find(": ") + 2);
        }
        stop.request("the end of the test");
        server.join();
        return answer;
    }
};

TEST_CASE_METHOD(Fixture, "openssl's client connects with the key of the code", "[transport][openssl]") {
    Source source{machine->network()};
    const std::string psk = std::string{"-psk_identity ft/1 -psk "} + kKey;
    CHECK(s_client(source, psk + " -alpn ft/1").output == "control heard hello\n");
    CHECK(s_client(source, psk + " -alpn rsync").output == "rsync heard hello\n");
    CHECK(s_client(source, psk + " -alpn h2,rsync -ciphersuites TLS_CHACHA20_POLY1305_SHA256").output ==
          "rsync heard hello\n");
}

TEST_CASE_METHOD(Fixture, "openssl's client is refused with anything less", "[transport][openssl]") {
    struct Attempt {
        std::string options;
        std::string reason;
    };
    const std::string psk = std::string{"-psk "} + kKey;
    const auto attempt = GENERATE_COPY(
        Attempt{"-psk_identity ft/1 -alpn ft/1 -psk 00" + std::string{kKey + 2}, "wrong pairing code"},
        Attempt{psk + " -alpn ft/1 -psk_identity ft/2", "wrong pairing code"},
        Attempt{psk + " -psk_identity ft/1 -alpn h2", "TLS without ft's pre-shared key"},
        Attempt{psk + " -psk_identity ft/1", "TLS without ft's pre-shared key or protocol"},
        Attempt{"-alpn ft/1", "TLS without ft's pre-shared key"},
        Attempt{"-tls1_2 -alpn ft/1", "TLS without ft's pre-shared key"},
        Attempt{psk + " -psk_identity ft/1 -alpn ft/1 -ciphersuites TLS_AES_256_GCM_SHA384",
                "TLS without ft's pre-shared key"});
    INFO(attempt.options);
    Source source{machine->network()};
    CHECK(s_client(source, attempt.options).output.empty());
    CHECK(source.refused() == attempt.reason);
}

TEST_CASE_METHOD(Fixture, "our client connects to openssl's server with the key of the code",
                 "[transport][openssl]") {
    CHECK(ask_s_server(std::string{"-nocert -alpn ft/1 -psk_identity ft/1 -psk "} + kKey) == "olleh");
}

TEST_CASE_METHOD(Fixture, "our client refuses openssl's server with anything else", "[transport][openssl]") {
    const os::Finished made = shell(
        "d=$(mktemp -d) && cd $d && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
        "-subj /CN=x "
        "-keyout key -out cert >/dev/null 2>&1 && echo -n $d");
    REQUIRE(made.status == 0);
    const std::string certificate = "-key " + made.output + "/key -cert " + made.output + "/cert -alpn ft/1 ";
    const std::string no_ft = "what answers speaks TLS without ft's pre-shared key: it is no ft source";
    const std::string psk = std::string{"-psk_identity ft/1 -psk "} + kKey;
    CHECK(ask_s_server(certificate) == no_ft);
    CHECK(ask_s_server(certificate + "-tls1_2 " + psk) == no_ft);
    CHECK(ask_s_server("-nocert " + psk) == no_ft);
    CHECK(ask_s_server("-nocert -alpn h2 " + psk) == no_ft);
    CHECK(ask_s_server("-nocert -alpn ft/1 -psk_identity ft/1 -psk 00" + std::string{kKey + 2}) ==
          "the pairing code does not fit");
    CHECK(shell("rm -r " + made.output).status == 0);
}

TEST_CASE_METHOD(Fixture, "stock rsync shows why it is refused", "[transport][rsync]") {
    Source source{machine->network()};
    const os::Finished listing = shell("rsync rsync://127.0.0.1:" + source.port() + "/");
    CHECK(listing.status == 5);
    CHECK(listing.errors.find("@ERROR: plain rsync is not allowed here") == 0);
    CHECK(source.refused() == "plain rsync, which is not allowed");
}

}  // namespace
}  // namespace ft::transport
