#include "fetch/goodbyes.h"

#include <array>
#include <cstddef>
#include <exception>
#include <system_error>
#include <utility>

#include "ft/base/log.h"

namespace ft::fetch {
namespace {

constexpr std::size_t kMostWords = 64 * 1024;  // bytes; a goodbye has some tens

void hear_out(transport::Connection& connection, base::Cancellation& cancellation) {
    const auto hook = cancellation.on_request([&] { connection.shut_down(); });
    std::array<std::byte, 1024> last_words{};
    try {
        for (std::size_t heard = 0; heard < kMostWords;) {
            const std::size_t length = connection.read_some(last_words);
            if (length == 0) return;
            heard += length;
        }
        base::log_info("the end of a transfer: the source says more than goodbye");
    } catch (const std::exception& error) {
        base::log_info("the end of a transfer: {}", error.what());
    }
}

}  // namespace

void Goodbyes::hear(std::unique_ptr<transport::Connection> connection) {
    const std::lock_guard lock{mutex_};
    try {
        tasks_.start("a goodbye", [this, connection = std::shared_ptr{std::move(connection)}] {
            hear_out(*connection, tasks_.cancellation());
            const std::lock_guard lock_here{mutex_};
            --open_;
            changed_.notify_all();
        });
        ++open_;
    } catch (const std::system_error& error) {
        base::log_info("no thread for the end of a transfer: {}", error.what());
    }
}

void Goodbyes::wait(std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, patience, [&] { return open_ == 0; });
}

}  // namespace ft::fetch
