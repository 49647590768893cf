#include "rsync/keep_alive.h"

#include <catch2/catch.hpp>

#include "ft/base/error.h"

using namespace ft;

namespace {

/// Counts what is written, from any thread.
class Counted : public base::ByteSink {
public:
    void write(std::span<const std::byte> data) override {
        const std::lock_guard lock{mutex_};
        if (fails_) throw base::Error{base::ErrorKind::network, "gone"};
        bytes_.insert(bytes_.end(), data.begin(), data.end());
        changed_.notify_all();
    }
    void flush() override {}
    void fail() {
        const std::lock_guard lock{mutex_};
        fails_ = true;
    }
    /// Waits until so many bytes have come.
    base::Bytes first(std::size_t count) {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return bytes_.size() >= count; });
        return {bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(count)};
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    base::Bytes bytes_;
    bool fails_ = false;
};

}  // namespace

TEST_CASE("empty frames show that this side lives, behind what was written before", "[rsync]") {
    Counted sink;
    wire::FrameWriter out{sink};
    out.write(base::as_bytes("abc"));
    {
        const rsync::KeepAlive alive{out, std::chrono::milliseconds{1}};
        const base::Bytes got = sink.first(7 + 3 * 4);
        CHECK(base::as_text(std::span{got}.first(7)) == std::string_view{"\x03\0\0\7abc", 7});
        CHECK(base::as_text(std::span{got}.subspan(15)) == std::string_view{"\0\0\0\7", 4});
    }
    sink.fail();
    const rsync::KeepAlive alive{out, std::chrono::milliseconds{1}};  // ends with it, whoever has gone
}
