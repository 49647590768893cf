#include "system/names.h"

#include <algorithm>

#include "ft/system/manifest.h"

namespace ft::system {
namespace {

constexpr std::size_t kLongestTreeName = 64;
// PostgreSQL cuts names at 63 bytes, and ours get "_ft_incoming" and "_ft_previous" behind them.
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
    if (name.ends_with("_ft_incoming") || name.ends_with("_ft_previous")) {
        return "must not end as the databases that ft makes";
    }
    return {};
}

}  // namespace ft::system
