#include <algorithm>
#include <exception>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>

#include "ft/base/error.h"
#include "ft/base/log.h"
#include "ft/wire/greeting.h"
#include "transport/refusals.h"
#include "transport/socket_connection.h"

namespace ft::transport {
namespace {

using base::Error;
using base::ErrorKind;

constexpr std::size_t kUnprovedAtMost = 64;
constexpr std::size_t kUnprovedAnAddress = 8;
constexpr std::size_t kPlainAtMost = 32;
constexpr std::chrono::seconds kToSayWhy{1};

/// Says no in the words of rsync's daemon, and leaves the client time to read them: closing with unread bytes
/// would reset the connection. Whether they arrive changes nothing.
void decline(os::Socket& socket, const std::string& reason) {
    const Deadline deadline{kToSayWhy};
    std::array<std::byte, 1024> ignored;
    try {
        deadline.arm(socket);
        socket.read_some(ignored);
        socket.write(base::as_bytes(wire::our_greeting() + "\n@ERROR: " + reason + "\n"));
        socket.flush();
        socket.finish_writing();
        do {
            deadline.arm(socket);
        } while (socket.read_some(ignored) > 0);
    } catch (const Error&) {
    }
}

/// What a listener was told once.
struct Port {
    std::unique_ptr<os::Acceptor> acceptor;
    std::array<std::byte, 32> key;
    bool allow_plain;
    Limits limits;
};

using Handle = std::function<void(std::unique_ptr<Connection>)>;
using Refused = std::function<void(const std::string&, const std::string&)>;

/// One call of Listener::run: who is there, and how far each has come.
class Reception {
public:
    Reception(const Port& port, const Handle& handle, const Refused& refused,
              base::Cancellation& cancellation)
        : port_{port}, handle_{handle}, refused_{refused}, cancellation_{cancellation} {}

    void run() {
        const auto stop = cancellation_.on_request([this] { port_.acceptor->shut_down(); });
        try {
            while (auto socket = port_.acceptor->accept()) admit(std::move(socket));
        } catch (...) {
            fail();
        }
        for (Guest& guest : guests_) {
            guest.stop.request("the end of listening");
            guest.thread.join();
        }
        if (failure_ != nullptr) std::rethrow_exception(failure_);
    }

private:
    enum class Stage { unproved, plain, proved, dropped, ended };
    struct Guest {
        Guest(std::string address, base::Cancellation& all) : peer{std::move(address)}, stop{all} {}
        const std::string peer;
        base::Cancellation stop;
        Stage stage = Stage::unproved;  // under mutex_
        std::thread thread;
    };

    void admit(std::unique_ptr<os::Socket> socket) {
        make_room(socket->peer());
        Guest* guest = nullptr;
        {
            const std::lock_guard lock{mutex_};
            guest = &guests_.emplace_back(socket->peer(), cancellation_);
        }
        try {
            HeldSocket held{std::move(socket), guest->stop};
            guest->thread = std::thread{[this, guest, held = std::move(held)]() mutable {
                try {
                    serve(*guest, std::move(held));
                } catch (...) {
                    fail();
                }
                const std::lock_guard lock{mutex_};
                guest->stage = Stage::ended;
            }};
        } catch (const std::system_error&) {  // no more threads: this connection ends
            const std::lock_guard lock{mutex_};
            guests_.pop_back();
        }
    }

    /// What is no connection's own trouble ends the listening; the first one is told.
    void fail() {
        const std::lock_guard lock{mutex_};
        if (failure_ == nullptr) failure_ = std::current_exception();
        port_.acceptor->shut_down();
    }

    /// Joins who has ended, and drops the oldest of too many unproved ones.
    void make_room(const std::string& peer) {
        std::list<Guest> leaving;
        {
            const std::lock_guard lock{mutex_};
            const bool of_peer = count(&peer) >= kUnprovedAnAddress;
            bool one_too_many = of_peer || count(nullptr) >= kUnprovedAtMost;
            for (auto next = guests_.begin(); next != guests_.end();) {
                const auto guest = next++;
                if (one_too_many && guest->stage == Stage::unproved && (!of_peer || guest->peer == peer)) {
                    guest->stage = Stage::dropped;
                    guest->stop.request("newer connections");
                    one_too_many = false;
                }
                if (guest->stage == Stage::dropped || guest->stage == Stage::ended) {
                    leaving.splice(leaving.end(), guests_, guest);
                }
            }
        }
        for (Guest& guest : leaving) guest.thread.join();
    }

    /// Unproved connections, of all addresses or of one; under mutex_.
    std::size_t count(const std::string* peer) const {
        return static_cast<std::size_t>(
            std::count_if(guests_.begin(), guests_.end(), [&](const Guest& guest) {
                return guest.stage == Stage::unproved && (peer == nullptr || guest.peer == *peer);
            }));
    }

    void serve(Guest& guest, HeldSocket socket) {
        std::unique_ptr<Connection> connection;
        try {
            connection = receive(guest, std::move(socket));
        } catch (const std::exception& error) {
            if (cancellation_.requested()) return;
            const auto line = refusals_.note(guest.peer, error.what(), std::chrono::steady_clock::now());
            const std::lock_guard lock{refusing_};
            if (line) refused_(guest.peer, *line);
            return;
        }
        try {
            handle_(std::move(connection));
        } catch (const std::exception& error) {
            base::log_warning("connection of {} ended: {}", guest.peer, error.what());
        }
    }

    std::unique_ptr<Connection> receive(Guest& guest, HeldSocket socket) {
        const Deadline deadline{port_.limits.handshake};
        const auto first = first_byte(*socket.socket, deadline);
        if (first == std::byte{0x16}) {
            auto connection = shake_hands(std::move(socket), TlsSession::Role::server, port_.key,
                                          Purpose::control, deadline, port_.limits);
            promote(guest, Stage::proved);
            return connection;
        }
        if (first != std::byte{'@'}) throw Error{ErrorKind::network, "neither TLS nor rsync"};
        if (!port_.allow_plain) {
            decline(*socket.socket, "plain rsync is not allowed here");
            throw Error{ErrorKind::network, "plain rsync, which is not allowed"};
        }
        if (!promote(guest, Stage::plain)) {
            decline(*socket.socket, "too many connections, try again later");
            throw Error{ErrorKind::network, "too many connections of plain rsync"};
        }
        return make_plain(std::move(socket), port_.limits.transfer_idle);
    }

    static std::byte first_byte(os::Socket& socket, const Deadline& deadline) {
        deadline.arm(socket);
        std::optional<std::byte> first;
        try {
            first = socket.peek();
        } catch (const Error&) {
            if (deadline.passed()) throw deadline.error();
            throw;
        }
        if (!first) throw Error{ErrorKind::network, "closed without a word"};
        return *first;
    }

    /// No longer one of the unproved. False when there are too many of that stage.
    bool promote(Guest& guest, Stage stage) {
        const std::lock_guard lock{mutex_};
        if (guest.stage != Stage::unproved) throw Error{ErrorKind::network, "too many unproved connections"};
        const auto same = std::count_if(guests_.begin(), guests_.end(),
                                        [&](const Guest& other) { return other.stage == stage; });
        if (stage == Stage::plain && static_cast<std::size_t>(same) >= kPlainAtMost) return false;
        guest.stage = stage;
        return true;
    }

    const Port& port_;
    const Handle& handle_;
    const Refused& refused_;
    base::Cancellation& cancellation_;
    std::mutex mutex_;
    std::list<Guest> guests_;  // in order of arrival
    std::exception_ptr failure_;
    Refusals refusals_;
    std::mutex refusing_;
};

}  // namespace

struct Listener::State {
    Port port;
};

Listener::Listener(os::Network& network, const std::string& address, std::uint16_t port, PairingCode code,
                   bool allow_plain, Limits limits)
    : state_{
          std::make_unique<State>(State{{network.listen(address, port), code.key(), allow_plain, limits}})} {}

Listener::~Listener() = default;

std::uint16_t Listener::port() const { return state_->port.acceptor->port(); }

void Listener::run(const std::function<void(std::unique_ptr<Connection>)>& handle,
                   const std::function<void(const std::string&, const std::string&)>& refused,
                   base::Cancellation& cancellation) {
    Reception{state_->port, handle, refused, cancellation}.run();
}

}  // namespace ft::transport
