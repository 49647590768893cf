#include "support/streams.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <iterator>
#include <mutex>
#include <stdexcept>

#include "ft/base/error.h"

namespace ft::test {

Bytes::Bytes(base::Bytes data, std::size_t piece) : data_{std::move(data)}, piece_{piece} {}

Bytes::Bytes(std::string_view data, std::size_t piece) : piece_{piece} {
    const auto bytes = base::as_bytes(data);
    data_.assign(bytes.begin(), bytes.end());
}

std::size_t Bytes::read_some(std::span<std::byte> into) {
    const std::size_t length = std::min({into.size(), piece_, left()});
    std::copy_n(data_.begin() + static_cast<std::ptrdiff_t>(at_), length, into.begin());
    at_ += length;
    return length;
}

namespace {

/// One direction of a connection.
struct Direction {
    explicit Direction(const PipeOptions& chosen) : options{chosen} {}
    const PipeOptions options;
    std::deque<std::byte> unread;
    std::uint64_t written = 0;
    bool reader_left = false;
    bool writer_left = false;
};

struct Connection {
    Connection(const PipeOptions& a_to_b, const PipeOptions& b_to_a)
        : directions{Direction{a_to_b}, Direction{b_to_a}} {}
    std::mutex mutex;
    std::condition_variable changed;
    Direction directions[2];
    bool cut = false;
};

[[noreturn]] void lost(const char* why) { throw base::Error{base::ErrorKind::network, why}; }

class PipeEnd : public base::Stream {
public:
    PipeEnd(std::shared_ptr<Connection> connection, int side)
        : connection_{std::move(connection)},
          in_{connection_->directions[1 - side]},
          out_{connection_->directions[side]} {}
    ~PipeEnd() override { leave(); }

    std::size_t read_some(std::span<std::byte> into) override {
        std::unique_lock lock{connection_->mutex};
        connection_->changed.wait(lock, [this] {
            return connection_->cut || in_.reader_left || in_.writer_left || !in_.unread.empty();
        });
        if (in_.reader_left) lost("the connection was shut down");
        const std::size_t length = std::min({into.size(), in_.options.piece, in_.unread.size()});
        if (length == 0 && connection_->cut) lost("the connection was lost");
        const auto end = in_.unread.begin() + static_cast<std::ptrdiff_t>(length);
        std::copy(in_.unread.begin(), end, into.begin());
        in_.unread.erase(in_.unread.begin(), end);
        connection_->changed.notify_all();
        return length;
    }

    void write(std::span<const std::byte> data) override {
        std::unique_lock lock{connection_->mutex};
        while (!data.empty()) {
            connection_->changed.wait(lock, [this] {
                return connection_->cut || out_.reader_left || out_.writer_left ||
                       out_.unread.size() <= out_.options.room;
            });
            if (out_.writer_left) lost("the connection was shut down");
            if (connection_->cut || out_.reader_left) lost("the connection was lost");
            const std::size_t length = sendable(data.size());
            const auto sent = data.first(length);
            out_.unread.insert(out_.unread.end(), sent.begin(), sent.end());
            out_.written += length;
            data = data.subspan(length);
            connection_->cut = out_.options.cut_after != 0 && out_.written == out_.options.cut_after;
            connection_->changed.notify_all();
        }
    }

    void flush() override {}
    void shut_down() noexcept override { leave(); }

private:
    /// As much as fits now: one byte more than the room is the most that stays unread.
    std::size_t sendable(std::size_t wanted) const {
        std::uint64_t most = out_.options.room + 1 - out_.unread.size();
        if (out_.options.cut_after != 0) most = std::min(most, out_.options.cut_after - out_.written);
        return static_cast<std::size_t>(std::min<std::uint64_t>(wanted, most));
    }

    void leave() noexcept {
        const std::lock_guard lock{connection_->mutex};
        in_.reader_left = true;
        out_.writer_left = true;
        connection_->changed.notify_all();
    }

    std::shared_ptr<Connection> connection_;
    Direction& in_;
    Direction& out_;
};

}  // namespace

std::pair<std::unique_ptr<base::Stream>, std::unique_ptr<base::Stream>> make_pipe(PipeOptions a_to_b,
                                                                                  PipeOptions b_to_a) {
    auto connection = std::make_shared<Connection>(a_to_b, b_to_a);
    auto a = std::make_unique<PipeEnd>(connection, 0);
    auto b = std::make_unique<PipeEnd>(connection, 1);
    return {std::move(a), std::move(b)};
}

base::Bytes read_data(const std::string& name) {
    std::ifstream file{std::string{FT_TEST_DATA} + "/" + name, std::ios::binary};
    if (!file) throw std::runtime_error{"tests/data has no file " + name};
    const std::string content{std::istreambuf_iterator<char>{file}, {}};
    const auto bytes = base::as_bytes(content);
    return {bytes.begin(), bytes.end()};
}

}  // namespace ft::test
