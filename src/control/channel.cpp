#include "ft/control/channel.h"

#include <array>

namespace ft::control {
namespace {

constexpr std::size_t kLineBytes = 16 * 1024 * 1024;

}  // namespace

void Channel::send(const Message& message) {
    const std::string line = encode(message);
    const std::lock_guard lock{sending_};
    stream_->write(base::as_bytes(line));
    stream_->flush();
}

std::optional<Message> Channel::receive() {
    std::size_t searched = 0;
    for (;;) {
        const std::size_t end = received_.find('\n', searched);
        if (end < kLineBytes) {  // npos is not
            const std::string line = received_.substr(0, end);
            received_.erase(0, end + 1);
            return decode(line);
        }
        searched = received_.size();
        if (searched >= kLineBytes) {
            throw base::Error{base::ErrorKind::peer, "control channel: a line above 16 MiB"};
        }
        std::array<std::byte, 16384> some;
        const std::size_t length = stream_->read_some(some);
        if (length == 0 && received_.empty()) return std::nullopt;
        if (length == 0) throw base::Error{base::ErrorKind::peer, "control channel: it ends within a line"};
        received_ += base::as_text({some.data(), length});
    }
}

}  // namespace ft::control
