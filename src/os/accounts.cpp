#include "os/accounts.h"

#include <grp.h>
#include <pwd.h>

#include <charconv>
#include <map>
#include <mutex>
#include <unordered_map>

#include "ft/base/error.h"
#include "os/root.h"

namespace ft::os {
namespace {

/// Calls `lookup`, one of the get...nam_r and get...id_r functions, with a buffer that suffices; `take` makes
/// a value of what was found.
template <typename Record, typename Key, typename Take>
auto look_up(int (*lookup)(Key, Record*, char*, std::size_t, Record**), Key key, Take take)
    -> std::optional<decltype(take(std::declval<const Record&>()))> {
    constexpr std::size_t kLargest = 16 << 20;  // a group may have very many members
    for (std::size_t size = 4096;; size *= 4) {
        std::string buffer(size, '\0');
        Record record;
        Record* found = nullptr;
        const int code = uninterrupted([&] { return lookup(key, &record, buffer.data(), size, &found); });
        if (found != nullptr) return take(*found);
        // These mean "not found" too, says the manual of getpwnam.
        if (code == 0 || code == ENOENT || code == ESRCH || code == EBADF || code == EPERM)
            return std::nullopt;
        if (code == EINTR || (code == ERANGE && size < kLargest)) continue;
        throw base::system_error("look up", "a user or group", code);
    }
}

std::string name_in(const passwd& user) { return user.pw_name; }
std::string name_in(const group& entry) { return entry.gr_name; }
std::uint32_t user_id_in(const passwd& user) { return user.pw_uid; }
std::uint32_t group_id_in(const group& entry) { return entry.gr_gid; }

/// Those that the running system knows, by whatever service: each is asked for once.
class SystemAccounts final : public Accounts {
public:
    std::optional<std::string> user_name(std::uint32_t id) const override {
        return once(user_names_, id,
                    [&] { return look_up(&getpwuid_r, id, [](auto& e) { return name_in(e); }); });
    }
    std::optional<std::string> group_name(std::uint32_t id) const override {
        return once(group_names_, id,
                    [&] { return look_up(&getgrgid_r, id, [](auto& e) { return name_in(e); }); });
    }
    std::optional<std::uint32_t> user_id(const std::string& name) const override {
        return once(user_ids_, name, [&] {
            return look_up(&getpwnam_r, name.c_str(), [](auto& e) { return user_id_in(e); });
        });
    }
    std::optional<std::uint32_t> group_id(const std::string& name) const override {
        return once(group_ids_, name, [&] {
            return look_up(&getgrnam_r, name.c_str(), [](auto& e) { return group_id_in(e); });
        });
    }

private:
    template <typename Map, typename Find>
    typename Map::mapped_type once(Map& known, const typename Map::key_type& key, Find find) const {
        const std::lock_guard lock{mutex_};
        const auto at = known.find(key);
        return at != known.end() ? at->second : known.emplace(key, find()).first->second;
    }

    mutable std::mutex mutex_;
    mutable std::unordered_map<std::uint32_t, std::optional<std::string>> user_names_;
    mutable std::unordered_map<std::uint32_t, std::optional<std::string>> group_names_;
    mutable std::unordered_map<std::string, std::optional<std::uint32_t>> user_ids_;
    mutable std::unordered_map<std::string, std::optional<std::uint32_t>> group_ids_;
};

/// The names and numbers of a passwd or group file: both begin "name:password:number:".
struct Listed {
    std::map<std::string, std::uint32_t, std::less<>> ids;
    std::map<std::uint32_t, std::string> names;

    Listed(const Directory& root, std::string_view path) {
        constexpr std::size_t kLargest = 64 << 20;
        if (!root.status(path)) return;
        const std::string text = read_all(root, path, kLargest);
        for (std::string_view left = text; !left.empty();) {
            const std::string_view line = left.substr(0, left.find('\n'));
            left.remove_prefix(std::min(line.size() + 1, left.size()));
            const std::size_t first = line.find(':');
            const std::size_t second = line.find(':', first + 1);
            if (first == std::string_view::npos || second == std::string_view::npos) continue;
            const std::string_view number = line.substr(second + 1, line.find(':', second + 1) - second - 1);
            std::uint32_t id = 0;
            const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), id);
            if (first == 0 || code != std::errc{} || end != number.data() + number.size()) continue;
            // The first of several counts, as it does for the C library.
            ids.emplace(line.substr(0, first), id);
            names.emplace(id, line.substr(0, first));
        }
    }
};

template <typename Map>
std::optional<typename Map::mapped_type> value_in(const Map& map, const typename Map::key_type& key) {
    const auto at = map.find(key);
    return at == map.end() ? std::nullopt : std::optional{at->second};
}

/// Those of a system that does not run, by its files.
class FileAccounts final : public Accounts {
public:
    explicit FileAccounts(const Directory& root) : users_{root, "etc/passwd"}, groups_{root, "etc/group"} {}
    std::optional<std::string> user_name(std::uint32_t id) const override {
        return value_in(users_.names, id);
    }
    std::optional<std::string> group_name(std::uint32_t id) const override {
        return value_in(groups_.names, id);
    }
    std::optional<std::uint32_t> user_id(const std::string& name) const override {
        return value_in(users_.ids, name);
    }
    std::optional<std::uint32_t> group_id(const std::string& name) const override {
        return value_in(groups_.ids, name);
    }

private:
    Listed users_;
    Listed groups_;
};

}  // namespace

std::optional<User> find_user(const std::string& name) {
    return look_up(&getpwnam_r, name.c_str(), [](const passwd& entry) {
        return User{entry.pw_uid, entry.pw_gid, entry.pw_dir};
    });
}

std::unique_ptr<Accounts> make_accounts(const std::string& root) {
    if (root == "/") return std::make_unique<SystemAccounts>();
    return std::make_unique<FileAccounts>(open_root(root));
}

}  // namespace ft::os
