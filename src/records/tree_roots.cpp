#include "ft/records/tree_roots.h"

#include <algorithm>
#include <string_view>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/records/state_directory.h"
#include "ft/staging/root_time.h"

namespace ft::records {
namespace {

constexpr std::size_t kLongestList = 16 * 1024 * 1024;  // bytes

struct Made {
    std::string path;  // of the tree that it was made for
    std::string directory;
};

std::vector<Made> read(const os::Directory& state) {
    std::vector<Made> all;
    if (!state.status(kMadeRoots)) return all;
    const std::string text = os::read_all(state, kMadeRoots, kLongestList);
    for (std::string_view left = text; !left.empty();) {
        const std::string_view line = left.substr(0, left.find('\n'));
        left.remove_prefix(std::min(left.size(), line.size() + 1));
        const std::size_t tab = std::min(line.find('\t'), line.size());
        all.push_back({base::unescape(line.substr(0, tab)),
                       base::unescape(line.substr(std::min(tab + 1, line.size())))});
    }
    return all;
}

void write(os::Directory& state, const std::vector<Made>& all) {
    if (all.empty()) return os::remove_all(state, kMadeRoots);
    std::string text;
    for (const Made& made : all) text += base::escape(made.path) + '\t' + base::escape(made.directory) + '\n';
    os::write_whole(state, kMadeRoots, text);
}

/// Also by a link. Errors: of what is there and cannot be opened.
bool is_there(os::Machine& machine, const std::string& directory) {
    try {
        machine.open_root_to_read(directory);
        return true;
    } catch (const base::Error&) {
        const std::size_t slash = directory.rfind('/');
        const std::string above = slash == 0 ? "/" : directory.substr(0, slash);
        if (above != "/" && !is_there(machine, above)) return false;
        const auto now = machine.open_root_to_read(above)->status(directory.substr(slash + 1));
        if (!now || now->type == base::FileType::symlink) return false;
        throw;
    }
}

/// `path` and the directories on the way to it that are missing, outermost first.
std::vector<std::string> missing(os::Machine& machine, const std::string& path) {
    std::vector<std::string> found;
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        std::string directory = path.substr(0, end);
        if (!found.empty() || !is_there(machine, directory)) found.push_back(std::move(directory));
        if (end >= path.size()) return found;
    }
}

void remember(std::vector<Made>& all, const std::string& path, const std::vector<std::string>& directories) {
    for (const std::string& directory : directories) {
        std::erase_if(all, [&](const Made& made) { return made.directory == directory; });
        all.push_back({path, directory});
    }
}

/// Makes `wanted` for `path`, and returns `before` with them, written down. What is meant is noted first:
/// what stays when this process ends is known.
std::vector<Made> make(os::Machine& machine, os::Directory& state, const std::string& path,
                       const std::vector<std::string>& wanted, const std::vector<Made>& before) {
    std::vector<Made> all = before;
    remember(all, path, wanted);
    write(state, all);
    std::vector<std::string> made;  // as os::Machine names them: without links
    try {
        for (const std::string& directory : wanted) {
            staging::with_time_above(machine, state, directory, [&] {
                const auto now = machine.make_root(directory);
                made.insert(made.end(), now.begin(), now.end());
            });
        }
        if (made == wanted) return all;
        all = before;
        remember(all, path, made);
        write(state, all);
        return all;
    } catch (const base::Error&) {
        for (auto directory = made.rbegin(); directory != made.rend(); ++directory)
            staging::remove_root(machine, state, *directory);
        write(state, before);
        throw;
    }
}

}  // namespace

std::vector<std::string> make_tree_root(os::Machine& machine, os::Directory& state, const std::string& path) {
    std::vector<Made> all = read(state);
    const std::vector<std::string> wanted = missing(machine, path);
    if (!wanted.empty()) all = make(machine, state, path, wanted, all);
    std::vector<std::string> found;
    for (const Made& made : all) {
        if (made.path == path) found.push_back(made.directory);
    }
    return found;
}

void remove_tree_roots(os::Machine& machine, os::Directory& state, const std::string& path) {
    std::vector<Made> all = read(state);
    if (all.empty()) return;
    const auto is_meant = [&](const Made& made) { return path.empty() || made.path == path; };
    for (auto made = all.rbegin(); made != all.rend(); ++made) {
        if (is_meant(*made)) staging::remove_root(machine, state, made->directory);
    }
    if (std::erase_if(
            all, [&](const Made& made) { return is_meant(made) && !is_there(machine, made.directory); }) > 0)
        write(state, all);
}

void forget_tree_roots(os::Directory& state) { os::remove_all(state, kMadeRoots); }

}  // namespace ft::records
