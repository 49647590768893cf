#include "ft/tree/rules.h"

#include <algorithm>
#include <utility>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "tree/wildcard.h"

namespace ft::tree {
namespace {

constexpr std::size_t kLongestPattern = 4095;  // bytes, as for a path

base::Error refused(const std::string& pattern, const std::string& why) {
    return {base::ErrorKind::usage, "pattern \"" + base::escape(pattern.substr(0, 255)) + "\": " + why};
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> components;
    while (true) {
        const std::size_t slash = text.find('/');
        components.emplace_back(text.substr(0, slash));
        if (slash == std::string_view::npos) return components;
        text.remove_prefix(slash + 1);
    }
}

}  // namespace

void Rules::exclude(const std::string& pattern) {
    if (pattern.empty()) throw refused(pattern, "it is empty");
    if (pattern.size() > kLongestPattern) throw refused(pattern, "it is longer than 4095 bytes");
    if (pattern.find('\0') != std::string::npos) throw refused(pattern, "it holds a NUL byte");
    std::string_view text = pattern;
    Pattern result;
    if (text.starts_with('/')) {
        result.whole_path = true;
        text.remove_prefix(1);
    }
    if (text.ends_with('/')) {
        result.directory_only = true;
        text.remove_suffix(1);
    }
    if (text.find('/') != std::string_view::npos) result.whole_path = true;
    result.components = split(text);
    for (const std::string& component : result.components) {
        if (component.empty()) throw refused(pattern, "it holds an empty component");
        if (component == "." || component == "..")
            throw refused(pattern, "it holds a component that is . or ..");
        if (!is_well_formed(component)) throw refused(pattern, "it holds a [ without its ]");
    }
    patterns_.push_back(std::move(result));
}

void Rules::exclude_path(base::RelPath path) {
    if (path.is_root()) throw base::Error{base::ErrorKind::usage, "the root of a tree cannot be excluded"};
    const auto place = std::lower_bound(paths_.begin(), paths_.end(), path);
    if (place == paths_.end() || *place != path) paths_.insert(place, std::move(path));
}

bool Rules::matches(const Pattern& pattern, std::string_view path, bool directory) {
    if (pattern.directory_only && !directory) return false;
    if (pattern.whole_path) return matches_path(pattern.components, path);
    return matches_name(pattern.components.front(), path.substr(path.rfind('/') + 1));  // npos + 1 is 0
}

bool Rules::excludes(std::string_view path, bool directory) const {
    if (path == ".") return false;
    const auto place =
        std::lower_bound(paths_.begin(), paths_.end(), path,
                         [](const base::RelPath& a, std::string_view b) { return a.bytes() < b; });
    if (place != paths_.end() && place->bytes() == path) return true;
    return std::any_of(patterns_.begin(), patterns_.end(),
                       [&](const Pattern& pattern) { return matches(pattern, path, directory); });
}

bool Rules::hides(std::string_view path, bool directory) const {
    for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
         slash = path.find('/', slash + 1)) {
        if (excludes(path.substr(0, slash), true)) return true;
    }
    return excludes(path, directory);
}

}  // namespace ft::tree
