#include <algorithm>
#include <string>
#include <vector>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/tree/listing.h"

namespace ft::tree {
namespace {

base::Error broken(std::string_view path, const std::string& why) {
    return {base::ErrorKind::peer, "file list: " + base::escape(path) + " " + why};
}

}  // namespace

int compare_paths(std::string_view a, bool a_directory, std::string_view b, bool b_directory) {
    const bool a_root = a_directory && a == ".";
    const bool b_root = b_directory && b == ".";
    if (a_root || b_root) return static_cast<int>(b_root) - static_cast<int>(a_root);

    const std::size_t shorter = std::min(a.size(), b.size());
    const auto differ = std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(shorter), b.begin());
    const auto at = static_cast<std::size_t>(differ.first - a.begin());
    // The component that holds `at`: a directory's name if more follows it.
    const bool a_class = a_directory || a.find('/', at) != std::string_view::npos;
    const bool b_class = b_directory || b.find('/', at) != std::string_view::npos;
    if (a_class != b_class) return a_class ? 1 : -1;
    if (at == a.size() && at == b.size()) return 0;

    const auto byte = [at](std::string_view path, bool directory) {
        if (at < path.size()) return static_cast<int>(static_cast<unsigned char>(path[at]));
        return directory ? static_cast<int>('/') : -1;
    };
    const int order = byte(a, a_class) - byte(b, b_class);
    if (order != 0) return order;
    return at == a.size() ? -1 : 1;  // one is the directory that the other lies in
}

std::optional<std::size_t> Listing::find(std::string_view path, bool directory) const {
    std::size_t first = 0;
    std::size_t last = size();
    while (first < last) {
        const std::size_t middle = first + (last - first) / 2;
        const int order = compare_paths(path_at(middle), is_directory_at(middle), path, directory);
        if (order == 0) return middle;
        if (order < 0) {
            first = middle + 1;
        } else {
            last = middle;
        }
    }
    return std::nullopt;
}

std::optional<std::size_t> Listing::find(std::string_view path) const {
    const auto found = find(path, false);
    return found ? found : find(path, true);
}

void Listing::require_tree() const {
    if (empty()) throw base::Error{base::ErrorKind::peer, "file list: it is empty"};
    if (path_at(0) != "." || !is_directory_at(0)) {
        throw broken(path_at(0), "comes first, not the directory that is the tree");
    }
    std::vector<std::string_view> inside;  // the directories that hold the current entry, outermost first
    for (std::size_t i = 1; i < size(); ++i) {
        const std::string_view path = path_at(i);
        const bool directory = is_directory_at(i);
        const int order = compare_paths(path_at(i - 1), is_directory_at(i - 1), path, directory);
        if (order > 0) throw broken(path, "is out of order");
        const bool both_ways = directory && find(path, false);
        if (order == 0 || both_ways || path == ".") throw broken(path, "is listed twice");

        const std::size_t slash = path.rfind('/');
        const std::string_view parent = slash == std::string_view::npos ? "" : path.substr(0, slash);
        while (!inside.empty() && inside.back() != parent) inside.pop_back();
        if (inside.empty() && !parent.empty()) throw broken(path, "lies in no directory of the list");
        if (directory) inside.push_back(path);
    }
}

}  // namespace ft::tree
