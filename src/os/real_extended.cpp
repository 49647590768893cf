#include "os/real_extended.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <optional>
#include <vector>

#include "ft/base/acl.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/extended.h"

namespace ft::os {
namespace {

constexpr std::size_t kUsual = 512;       // bytes: most names and values take less
constexpr std::size_t kMost = 64 * 1024;  // of all names, and of a value: what Linux gives

// listxattrat(2), from Linux 6.13: the walk through /proc costs more than all else that a scan asks of an
// object. The C library does not know it yet.
constexpr long kListXattrAt = 465;
std::atomic<bool> has_list_at{true};  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

/// Calls `call` with a buffer, and with the largest when it was too small; nothing when it failed (errno).
template <typename Call>
std::optional<std::string> filled(const Call& call) {
    std::array<char, kUsual> usual;
    ssize_t length = call(usual.data(), usual.size());
    if (length >= 0) return std::string(usual.data(), static_cast<std::size_t>(length));
    if (errno != ERANGE) return std::nullopt;
    std::string large(kMost, '\0');
    length = call(large.data(), large.size());
    if (length < 0) return std::nullopt;
    large.resize(static_cast<std::size_t>(length));
    return large;
}

[[noreturn]] void fail(std::string_view action, std::string_view name, const std::string& shown) {
    const int code = errno;
    std::string whole{action};
    if (!name.empty()) whole += " " + base::escape(name);
    throw base::system_error(whole, shown, code);
}

/// Named entries in one order, so that equal ACLs are equal texts.
std::string in_order(std::string_view name, std::string value, const std::string& shown) {
    if (name != base::kAccessAcl && name != base::kDefaultAcl) return value;
    const auto acl = base::from_kernel(value);
    if (acl) return base::to_kernel(*acl);
    throw base::Error{base::ErrorKind::io, base::escape(shown) + ": has an ACL of an unknown form"};
}

}  // namespace

ExtendedPlace::ExtendedPlace(int number) : number_{number}, name_{nullptr} {}

ExtendedPlace::ExtendedPlace(int directory, const std::string& name)
    : number_{directory}, name_{name.c_str()} {}

std::string ExtendedPlace::path() const {
    const std::string open = "/proc/self/fd/" + std::to_string(number_);
    return name_ == nullptr ? open : open + '/' + name_;
}

long ExtendedPlace::list(char* into, std::size_t size) const {
    if (name_ == nullptr) return ::listxattr(path().c_str(), into, size);
    if (has_list_at.load(std::memory_order_relaxed)) {
        const long length = ::syscall(kListXattrAt, number_, name_, AT_SYMLINK_NOFOLLOW, into, size);
        // Filters of containers answer EPERM to a call that they do not know.
        if (length >= 0 || (errno != ENOSYS && errno != EPERM)) return length;
        has_list_at.store(false, std::memory_order_relaxed);
    }
    return ::llistxattr(path().c_str(), into, size);
}

std::string ExtendedPlace::read(const std::string& shown) const {
    const auto names = filled([&](char* into, std::size_t size) { return list(into, size); });
    if (!names && errno == EOPNOTSUPP) return {};
    if (!names) fail("list the extended attributes", {}, shown);
    if (names->empty()) return {};
    const auto get = name_ == nullptr ? &::getxattr : &::lgetxattr;
    const std::string path = this->path();
    std::vector<base::ExtendedAttribute> found;
    std::vector<std::string> values;
    values.reserve(names->size());  // views into them stay valid
    std::size_t total = 0;
    for (std::string_view left = *names; !left.empty();) {
        const std::string_view name = left.substr(0, left.find('\0'));
        left.remove_prefix(name.size() + 1);
        if (!base::is_carried(name)) continue;
        auto value =
            filled([&](char* into, std::size_t size) { return get(path.c_str(), name.data(), into, size); });
        if (!value && errno == ENODATA) continue;  // it went since it was listed
        if (!value) fail("read the extended attribute", name, shown);
        values.push_back(in_order(name, std::move(*value), shown));
        found.push_back({name, values.back()});
        total += name.size() + values.back().size();
    }
    if (total > base::kMostExtended) {
        throw base::Error{base::ErrorKind::io,
                          base::escape(shown) + ": has more than 1 MiB of extended attributes"};
    }
    return found.empty() ? std::string{} : base::pack(std::move(found));
}

void ExtendedPlace::write(std::string_view packed, const std::string& shown) const {
    const std::string before = read(shown);
    if (before == packed) return;
    const auto set = name_ == nullptr ? &::setxattr : &::lsetxattr;
    const auto remove = name_ == nullptr ? &::removexattr : &::lremovexattr;
    const std::string path = this->path();
    for (const base::ExtendedAttribute& each : base::unpack(before)) {
        if (base::is_label(each.name) || base::find_extended(packed, each.name)) continue;
        if (remove(path.c_str(), std::string{each.name}.c_str()) != 0 && errno != ENODATA)
            fail("remove the extended attribute", each.name, shown);
    }
    for (const base::ExtendedAttribute& each : base::unpack(packed)) {
        if (base::find_extended(before, each.name) == each.value) continue;
        if (set(path.c_str(), std::string{each.name}.c_str(), each.value.data(), each.value.size(), 0) != 0)
            fail("set the extended attribute", each.name, shown);
    }
}

}  // namespace ft::os
