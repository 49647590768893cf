#include "ft/system/accounts.h"

#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "ft/system/host_settings.h"
#include "system/account_lines.h"

namespace ft::system {
namespace {

constexpr std::size_t kLargestFile = 8 << 20;  // bytes; all of them travel in the manifest

std::vector<std::string> read_lines(const os::Directory& root, const std::string& path) {
    std::vector<std::string> lines;
    const std::vector<std::string> way = follow_links(root, path);
    if (way.empty() || !root.status(way.back().substr(1))) return lines;
    const std::string text = os::read_all(root, way.back().substr(1), kLargestFile);
    for (std::string_view left = text; !left.empty();) {
        const std::string_view line = left.substr(0, left.find('\n'));
        lines.emplace_back(line);
        left.remove_prefix(std::min(line.size() + 1, left.size()));
    }
    return lines;
}

/// Names and numbers of one kind.
struct Numbers {
    std::map<std::string, std::uint32_t> ids{};
    std::map<std::uint32_t, std::string> names{};
    std::map<std::string, std::uint32_t> earlier{};

    Numbers(const ParsedFile<NumberedLine>& now, const ParsedFile<NumberedLine>& before) {
        for (const NumberedLine& line : now.lines) {
            ids.emplace(line.name(), line.id);
            names.emplace(line.id, line.name());
        }
        for (const NumberedLine& line : before.lines) earlier.emplace(line.name(), line.id);
    }
    /// The running system still knows those that are removed.
    bool is_removed(const std::string& name) const { return earlier.contains(name) && !ids.contains(name); }
};

class AccountsAfter final : public os::Accounts {
public:
    AccountsAfter(const ParsedAccounts& now, const ParsedAccounts& before,
                  std::unique_ptr<os::Accounts> others)
        : users_{now.users, before.users}, groups_{now.groups, before.groups}, others_{std::move(others)} {}

    std::optional<std::string> user_name(std::uint32_t id) const override {
        return name_in(users_, id, [&] { return others_->user_name(id); });
    }
    std::optional<std::string> group_name(std::uint32_t id) const override {
        return name_in(groups_, id, [&] { return others_->group_name(id); });
    }
    std::optional<std::uint32_t> user_id(const std::string& name) const override {
        return id_in(users_, name, [&] { return others_->user_id(name); });
    }
    std::optional<std::uint32_t> group_id(const std::string& name) const override {
        return id_in(groups_, name, [&] { return others_->group_id(name); });
    }

private:
    template <typename Ask>
    static std::optional<std::string> name_in(const Numbers& numbers, std::uint32_t id, const Ask& ask) {
        const auto at = numbers.names.find(id);
        if (at != numbers.names.end()) return at->second;
        auto name = ask();
        return name && (numbers.is_removed(*name) || numbers.ids.contains(*name)) ? std::nullopt : name;
    }
    template <typename Ask>
    static std::optional<std::uint32_t> id_in(const Numbers& numbers, const std::string& name,
                                              const Ask& ask) {
        const auto at = numbers.ids.find(name);
        if (at != numbers.ids.end()) return at->second;
        return numbers.is_removed(name) ? std::nullopt : ask();
    }

    const Numbers users_;
    const Numbers groups_;
    const std::unique_ptr<os::Accounts> others_;
};

}  // namespace

AccountFiles read_accounts(const os::Directory& root) {
    return {.passwd = read_lines(root, "/etc/passwd"),
            .shadow = read_lines(root, "/etc/shadow"),
            .group = read_lines(root, "/etc/group"),
            .gshadow = read_lines(root, "/etc/gshadow"),
            .subuid = read_lines(root, "/etc/subuid"),
            .subgid = read_lines(root, "/etc/subgid")};
}

std::vector<std::string> account_faults(const AccountFiles& files) { return parse(files).faults(); }

std::unique_ptr<os::Accounts> accounts_after(const MergedAccounts& merged, const AccountFiles& here,
                                             std::unique_ptr<os::Accounts> others) {
    return std::make_unique<AccountsAfter>(parse(merged.files), parse(here), std::move(others));
}

}  // namespace ft::system
