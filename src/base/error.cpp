#include "ft/base/error.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "ft/base/escape.h"

namespace ft::base {

Error::Error(ErrorKind kind, const std::string& message, std::string advice)
    : std::runtime_error{message}, kind_{kind}, advice_{std::move(advice)} {}

Error Error::on(std::string_view object) const {
    return Error{kind_, escape(object) + ": " + what(), advice_}.with_details(details_);
}

Error Error::with_details(std::vector<std::string> details) const {
    Error result = *this;
    result.details_ = std::move(details);
    return result;
}

namespace {

ErrorKind kind_of(int code) {
    switch (code) {
        case ENOSPC:
        case EDQUOT:
            return ErrorKind::no_space;
        case EACCES:
        case EPERM:
        case EROFS:
            return ErrorKind::permission;
        default:
            return ErrorKind::io;
    }
}

std::string advice_on(int code, ErrorKind kind) {
    if (kind == ErrorKind::no_space) return "Free space there, then run the same command again.";
    if (code == EXDEV)
        return "It lies in a lower layer of an overlay, or under another project's quota, and cannot be "
               "moved: "
               "put the tree on a file system of its own.";
    if (code == EMLINK)
        return "This file system takes fewer names (hard links) for one object than the source's: put the "
               "tree "
               "on another one, or exclude some of them on both sides.";
    return "";
}

}  // namespace

Error system_error(std::string_view action, std::string_view object, int code) {
    // strerror_r of the GNU kind returns the text; the buffer is only a place that it may use.
    char buffer[128];
    std::string message = escape(object) + ": cannot ";
    message += action;
    message += ": ";
    message += strerror_r(code, buffer, sizeof buffer);
    const ErrorKind kind = kind_of(code);
    return {kind, message, advice_on(code, kind)};
}

}  // namespace ft::base
