#include "tree/wildcard.h"

#include <cstddef>

namespace ft::tree {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

/// Length of the bracket expression at the front of `pattern`, 0 when there is none.
std::size_t bracket_length(std::string_view pattern) {
    if (!pattern.starts_with('[')) return 0;
    std::size_t at = 1;
    if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) ++at;
    for (const std::size_t first = at; at < pattern.size(); ++at) {
        if (pattern[at] == ']' && at > first) return at + 1;
        if (pattern[at] == '\\') ++at;
    }
    return 0;
}

/// `inside` is what stands between the brackets.
bool bracket_holds(std::string_view inside, unsigned char byte) {
    const bool inverted = inside[0] == '!' || inside[0] == '^';
    if (inverted) inside.remove_prefix(1);
    const auto take = [&inside] {
        if (inside[0] == '\\' && inside.size() > 1) inside.remove_prefix(1);
        const auto taken = static_cast<unsigned char>(inside[0]);
        inside.remove_prefix(1);
        return taken;
    };
    bool found = false;
    while (!inside.empty()) {
        const unsigned char low = take();
        unsigned char high = low;
        if (inside.size() > 1 && inside[0] == '-') {
            inside.remove_prefix(1);
            high = take();
        }
        found = found || (low <= byte && byte <= high);
    }
    return found != inverted;
}

/// Length of the part of `pattern` that stands for the one byte `byte`; 0 when it does not.
std::size_t match_one(std::string_view pattern, char byte) {
    if (pattern.empty()) return 0;
    if (pattern[0] == '?') return 1;
    const std::size_t bracket = bracket_length(pattern);
    if (bracket != 0) {
        return bracket_holds(pattern.substr(1, bracket - 2), static_cast<unsigned char>(byte)) ? bracket : 0;
    }
    const std::size_t escaped = pattern[0] == '\\' && pattern.size() > 1 ? 1 : 0;
    return pattern[escaped] == byte ? escaped + 1 : 0;
}

std::string_view take_component(std::string_view& path) {
    const std::size_t slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    path.remove_prefix(slash == kNone ? path.size() : slash + 1);
    return component;
}

}  // namespace

bool is_well_formed(std::string_view pattern) {
    while (!pattern.empty()) {
        if (pattern[0] == '[') {
            const std::size_t length = bracket_length(pattern);
            if (length == 0) return false;
            pattern.remove_prefix(length);
        } else {
            pattern.remove_prefix(pattern[0] == '\\' && pattern.size() > 1 ? 2 : 1);
        }
    }
    return true;
}

bool matches_name(std::string_view pattern, std::string_view name) {
    std::size_t p = 0;
    std::size_t n = 0;
    std::size_t star =
        kNone;  // behind the last star; giving it one byte more is all that ever needs another try
    std::size_t star_name = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = ++p;
            star_name = n;
            continue;
        }
        const std::size_t length = match_one(pattern.substr(p), name[n]);
        if (length != 0) {
            p += length;
            ++n;
        } else if (star != kNone) {
            p = star;
            n = ++star_name;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == kNone;
}

bool matches_path(const std::vector<std::string>& pattern, std::string_view path) {
    std::size_t p = 0;
    std::size_t star = kNone;  // as in matches_name, with components for bytes
    std::string_view star_path;
    while (!path.empty()) {
        if (p < pattern.size() && pattern[p] == "**") {
            if (p + 1 == pattern.size()) return true;
            star = ++p;
            star_path = path;
            continue;
        }
        std::string_view rest = path;
        if (p < pattern.size() && matches_name(pattern[p], take_component(rest))) {
            ++p;
            path = rest;
        } else if (star != kNone) {
            take_component(star_path);
            p = star;
            path = star_path;
        } else {
            return false;
        }
    }
    return p == pattern.size();
}

}  // namespace ft::tree
