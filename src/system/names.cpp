#include "system/names.h"

#include <algorithm>

#include "ft/system/description.h"
#include "ft/system/manifest.h"

namespace ft::system {
namespace {

constexpr std::size_t kLongestTreeName = 64;
// PostgreSQL cuts names at 63 bytes, and ours get "_ft_incoming" or "_ft_previous2" behind them.
constexpr std::size_t kLongestDatabaseName = 50;

bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

}  // namespace

bool has_controls(const std::string& text) {
    return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string fault_of_tree_name(const std::string& name) {
    if (name.empty() || name.size() > kLongestTreeName ||
        !std::all_of(name.begin(), name.end(), is_name_byte)) {
        return "must be 1 to 64 of the letters A-Z a-z, digits, '.', '_' and '-'";
    }
    if (name.front() == '-' || name.front() == '.') return "must not begin with '-' or '.'";
    if (name == kBackupModule) return "is the name of the backup, a tree needs another";
    return {};
}

std::string fault_of_database_name(const std::string& name) {
    if (name.empty()) return "must not be empty";
    if (name.size() > kLongestDatabaseName) {
        return "must have at most 50 bytes: \"_ft_incoming\" has to fit behind it";
    }
    if (has_controls(name)) return "must not hold control characters";
    if (name.ends_with("_ft_incoming") || name.ends_with("_ft_previous") || name.ends_with("_ft_previous2")) {
        return "must not end as the databases that ft makes";
    }
    return {};
}

std::string fault_of_host_name(const std::string& name) {
    // RFC 1123, and what Linux' sethostname takes at most (HOST_NAME_MAX).
    constexpr std::size_t kLongestName = 64;
    constexpr std::size_t kLongestLabel = 63;
    if (name.empty() || name.size() > kLongestName) return "must be a host name of 1 to 64 bytes";
    bool numeric = true;
    for (std::string_view left = name;;) {
        const std::string_view label = left.substr(0, left.find('.'));
        const bool fits = !label.empty() && label.size() <= kLongestLabel && label.front() != '-' &&
                          label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
                              return c != '.' && c != '_' && is_name_byte(c);
                          });
        if (!fits) return "must be a host name: labels of letters, digits and '-', joined by '.'";
        numeric = label.find_first_not_of("0123456789") == std::string_view::npos;
        if (label.size() == left.size()) break;
        left.remove_prefix(label.size() + 1);
    }
    if (numeric) return "must be a host name, not a number or an address";
    return {};
}

}  // namespace ft::system
