#include "rsync/messages.h"

#include <fmt/format.h>

#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/wire/file_list.h"

namespace ft::rsync {

namespace {

constexpr std::size_t kFailuresKept = 10;
constexpr std::size_t kWarningsKept = 10;

std::string one_line(std::string_view text) {
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    return base::escape(text);
}

}  // namespace

void Messages::take(const wire::Message& message) {
    switch (message.code) {
        case wire::MessageCode::error:
        case wire::MessageCode::error_xfer:
            if (failures_.size() < kFailuresKept) failures_.push_back(one_line(message.text));
            base::log_warning("the source says: {}", one_line(message.text));
            break;
        case wire::MessageCode::warning:
            if (warnings_.size() < kWarningsKept) warnings_.push_back(one_line(message.text));
            [[fallthrough]];
        case wire::MessageCode::info:
            base::log_info("the source says: {}", one_line(message.text));
            break;
        case wire::MessageCode::io_error:
            io_error_ |= message.number;
            break;
        case wire::MessageCode::error_exit:
            throw failure(message.empty ? "the source gave up"
                                        : fmt::format("the source gave up (exit code {})", message.number));
        default:
            break;  // a daemon's timeout: the stream has its own, which is not longer for it
    }
}

base::Error Messages::failure(const std::string& what) const {
    if (failures_.empty()) return {base::ErrorKind::peer, what};
    const base::Error error{base::ErrorKind::peer, fmt::format("{}: {}", what, failures_.front())};
    return failures_.size() == 1 ? error : error.with_details(failures_);
}

void Messages::require_complete(bool live) const {
    if ((io_error_ & wire::kIoGeneral) != 0 || !failures_.empty()) {
        throw failure("the source could not read everything");
    }
    if ((io_error_ & wire::kIoVanished) != 0 && !live) {
        throw failure("something vanished from the source while it was read");
    }
}

}  // namespace ft::rsync
