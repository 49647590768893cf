#include "os/root.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <climits>

#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::os {
namespace {

using base::system_error;

constexpr int kMostLinks = 40;  // the kernel's own limit

/// Puts the components of `path` on `ahead`, the first one on top.
void push_components(std::string_view path, std::vector<std::string>& ahead) {
    while (!path.empty()) {
        const std::size_t slash = path.rfind('/');
        const std::string_view name = path.substr(slash + 1);  // npos + 1 is 0
        if (!name.empty() && name != ".") ahead.emplace_back(name);
        path = path.substr(0, slash == std::string_view::npos ? 0 : slash);
    }
}

Fd step(const Fd& from, const std::string& name) {
    return Fd{::openat(from.number(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
}

Fd to_sync(const Fd& directory) {
    return Fd{::openat(directory.number(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
}

/// The time of a directory, which a name that comes or goes in it moves: it may lie in another tree, which is
/// to stay as it is.
class KeptTime {
public:
    explicit KeptTime(const Fd& directory) : directory_{to_sync(directory)} {
        known_ = directory_.is_open() && ::fstat(directory_.number(), &before_) == 0;
    }
    bool set_back() const {
        const std::array<struct timespec, 2> times{{{0, UTIME_OMIT}, before_.st_mtim}};
        return known_ && ::futimens(directory_.number(), times.data()) == 0 &&
               ::fsync(directory_.number()) == 0;
    }

private:
    Fd directory_;
    struct stat before_ {};
    bool known_ = false;
};

Fd make_directory(const Fd& parent, const std::string& name, const std::string& path) {
    const KeptTime time{parent};
    if (::mkdirat(parent.number(), name.c_str(), 0755) != 0) throw system_error("create", path, errno);
    Fd made = step(parent, name);
    const Fd writable = made.is_open() ? to_sync(made) : Fd{};
    // Whatever the umask says: services must be able to pass.
    if (!writable.is_open() || ::fchmod(writable.number(), 0755) != 0 || !time.set_back()) {
        throw system_error("create", path, errno);
    }
    return made;
}

/// Where a link leads, provided that nobody but root and us could have planted it.
std::string trusted_target(const Fd& link, const struct stat& status, const std::string& path) {
    if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
        throw base::Error{base::ErrorKind::permission,
                          base::escape(path) + ": a symbolic link that belongs to another user is on the way",
                          "Name the directory by a path without that link."};
    }
    std::array<char, PATH_MAX> target;
    const ssize_t length = ::readlinkat(link.number(), "", target.data(), target.size());
    if (length < 0) throw system_error("read a link in", path, errno);
    return {target.data(), static_cast<std::size_t>(length)};
}

/// The object at `path`, opened with O_PATH; closed when a component is missing. With `made`, makes what is
/// missing and says so there, by paths without links.
Fd walk(const std::string& path, std::vector<std::string>* made = nullptr) {
    if (!path.starts_with('/') || path.find('\0') != std::string::npos) {
        throw base::Error{base::ErrorKind::usage, base::escape(path) + ": not an absolute path"};
    }
    Fd here{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    std::string reached;
    std::vector<std::string> ahead;
    push_components(path, ahead);
    for (int links = 0; !ahead.empty();) {
        const std::string name = std::move(ahead.back());
        ahead.pop_back();
        Fd next = step(here, name);
        if (!next.is_open() && errno == ENOENT) {
            if (made == nullptr) return Fd{};
            next = make_directory(here, name, reached + "/" + name);
            made->push_back(reached + "/" + name);
        }
        struct stat status;
        if (!next.is_open() || ::fstat(next.number(), &status) != 0) throw system_error("open", path, errno);
        if (S_ISLNK(status.st_mode)) {
            if (++links > kMostLinks) throw system_error("open", path, ELOOP);
            const std::string target = trusted_target(next, status, path);
            if (target.starts_with('/')) {
                here = Fd{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
                reached.clear();
            }
            push_components(target, ahead);
            continue;
        }
        here = std::move(next);
        if (name == "..") {
            reached.resize(reached.empty() ? 0 : reached.rfind('/'));
        } else {
            reached += "/" + name;
        }
    }
    return here;
}

}  // namespace

RealDirectory open_root(const std::string& path) {
    const Fd found = walk(path);
    if (!found.is_open()) throw system_error("open", path, ENOENT);
    Fd directory = to_sync(found);
    if (!directory.is_open()) throw system_error("open", path, errno);
    return {std::move(directory), path};
}

std::vector<std::string> make_root(const std::string& path) {
    std::vector<std::string> made;
    try {
        if (!to_sync(walk(path, &made)).is_open()) throw system_error("open", path, errno);
    } catch (const base::Error&) {
        while (!made.empty()) {
            remove_root(made.back());
            made.pop_back();
        }
        throw;
    }
    return made;
}

void remove_root(const std::string& path) {
    const std::size_t end = path.find_last_not_of('/');
    if (end == std::string::npos) return;
    const std::size_t slash = path.rfind('/', end);
    const Fd parent = walk(path.substr(0, slash + 1));
    if (!parent.is_open()) return;
    const std::string name = path.substr(slash + 1, end - slash);
    const KeptTime time{parent};
    if (::unlinkat(parent.number(), name.c_str(), AT_REMOVEDIR) == 0) {
        if (!time.set_back()) throw system_error("set the time above", path, errno);
        return;
    }
    // ENOTDIR: a link, which is not ours to remove.
    if (errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
        throw system_error("remove", path, errno);
}

}  // namespace ft::os
