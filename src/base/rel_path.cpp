#include "ft/base/rel_path.h"

#include <algorithm>
#include <string>

#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::base {
namespace {

constexpr std::size_t kLongestPath = 4095;
constexpr std::size_t kLongestName = 255;

std::string_view fault_of_name(std::string_view name) {
    if (name.empty()) return "an empty component";
    if (name == "." || name == "..") return "a component that is . or ..";
    if (name.size() > kLongestName) return "a component above 255 bytes";
    return {};
}

}  // namespace

RelPath::RelPath(std::string_view bytes) : bytes_{bytes} {
    const std::string_view wrong = fault(bytes);
    if (!wrong.empty()) {
        throw Error{ErrorKind::peer,
                    escape(bytes.substr(0, kLongestName)) + ": a path with " + std::string{wrong}};
    }
}

std::string_view RelPath::fault(std::string_view bytes) {
    if (bytes == ".") return {};
    if (bytes.empty()) return "no bytes";
    if (bytes.size() > kLongestPath) return "more than 4095 bytes";
    if (bytes.find('\0') != std::string_view::npos) return "a NUL byte";
    while (true) {
        const std::size_t slash = bytes.find('/');
        const std::string_view wrong = fault_of_name(bytes.substr(0, slash));
        if (!wrong.empty() || slash == std::string_view::npos) return wrong;
        bytes.remove_prefix(slash + 1);
    }
}

std::string_view RelPath::name() const noexcept {
    return std::string_view{bytes_}.substr(bytes_.rfind('/') + 1);  // npos + 1 is 0
}

RelPath RelPath::parent() const {
    RelPath result;
    const std::size_t slash = bytes_.rfind('/');
    if (slash != std::string::npos) result.bytes_ = bytes_.substr(0, slash);
    return result;
}

RelPath RelPath::operator/(std::string_view name) const {
    if (name == "." || name.find('/') != std::string_view::npos) {
        throw Error{ErrorKind::peer, escape(name.substr(0, kLongestName)) + ": not one component of a path"};
    }
    if (is_root()) return RelPath{name};
    std::string joined = bytes_;
    joined += '/';
    joined += name;
    return RelPath{joined};
}

bool RelPath::holds(const RelPath& other) const noexcept {
    if (is_root()) return true;
    const std::string_view theirs = other.bytes_;
    return theirs.starts_with(bytes_) && (theirs.size() == bytes_.size() || theirs[bytes_.size()] == '/');
}

std::size_t RelPath::depth() const noexcept {
    if (is_root()) return 0;
    return static_cast<std::size_t>(std::count(bytes_.begin(), bytes_.end(), '/')) + 1;
}

std::string RelPath::escaped() const { return escape(bytes_); }

}  // namespace ft::base
