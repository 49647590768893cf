#include "fetch/connections_ahead.h"

#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

#include "ft/base/error.h"
#include "ft/base/log.h"

namespace ft::fetch {
namespace {

// What is silent for longer, networks between may have forgotten.
constexpr std::chrono::seconds kKept{20};

}  // namespace

ConnectionsAhead::ConnectionsAhead(os::Clock& clock, std::size_t count, const Connect& connect)
    : coming_{count} {
    std::size_t started = 0;
    try {
        tasks_.start("the end of unused connections", [this, &clock] {
            clock.sleep(kKept, tasks_.cancellation());
            expire();
        });
        for (; started < count; ++started) tasks_.start("a connection", [this, connect] { make(connect); });
    } catch (const std::system_error& error) {
        base::log_info("fewer connections ahead: {}", error.what());
        const std::lock_guard lock{mutex_};
        coming_ -= count - started;
    }
}

ConnectionsAhead::~ConnectionsAhead() {
    tasks_.cancellation().request("the end of the connections");
    try {
        tasks_.wait();
    } catch (const std::exception&) {  // nothing depends on them
    }
    expire();
}

void ConnectionsAhead::make(const Connect& connect) {
    std::unique_ptr<transport::Connection> made;
    try {
        made = connect(tasks_.cancellation());
    } catch (const std::exception& error) {
        base::log_info("no connection ahead: {}", error.what());
    }
    Connections late;
    {
        const std::lock_guard lock{mutex_};
        --coming_;
        if (made) (expired_ ? late : ready_).push_back(std::move(made));
        changed_.notify_all();
    }
    end(late);
}

void ConnectionsAhead::expire() {
    Connections unused;
    {
        const std::lock_guard lock{mutex_};
        expired_ = true;
        unused = std::exchange(ready_, {});
        changed_.notify_all();
    }
    end(unused);
}

/// In an orderly way: to the source it is no loss.
void ConnectionsAhead::end(const Connections& connections) {
    for (const auto& connection : connections) {
        try {
            connection->finish_writing();
        } catch (const base::Error& error) {
            base::log_info("a connection that nobody used: {}", error.what());
        }
    }
}

std::unique_ptr<transport::Connection> ConnectionsAhead::take(base::Cancellation& cancellation) {
    bool interrupted = false;
    const auto hook = cancellation.on_request([&] {
        const std::lock_guard lock{mutex_};
        interrupted = true;
        changed_.notify_all();
    });
    std::unique_ptr<transport::Connection> taken;
    {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return !ready_.empty() || coming_ == 0 || expired_ || interrupted; });
        if (!ready_.empty() && !interrupted) {
            taken = std::move(ready_.back());
            ready_.pop_back();
        }
    }
    // The cancellation has a lock of its own, and its hook takes ours: not under this one.
    cancellation.check();
    return taken;
}

}  // namespace ft::fetch
