#include "system/paths.h"

#include <string_view>

#include "ft/base/rel_path.h"

namespace ft::system {

std::optional<std::string> normalised(const std::string& path) {
    if (!path.starts_with('/')) return std::nullopt;
    std::string result;
    for (std::string_view rest = path; !rest.empty();) {
        rest.remove_prefix(1);
        const std::string_view component = rest.substr(0, rest.find('/'));
        rest.remove_prefix(component.size());
        if (component.empty() || component == ".") continue;
        result += '/';
        result += component;
    }
    if (result.empty()) return "/";
    if (!base::RelPath::fault(std::string_view{result}.substr(1)).empty()) return std::nullopt;
    return result;
}

std::optional<std::string> path_within(const std::string& outer, const std::string& path) {
    if (path == outer) return ".";
    const std::string front = outer == "/" ? outer : outer + '/';
    if (!path.starts_with(front)) return std::nullopt;
    return path.substr(front.size());
}

}  // namespace ft::system
