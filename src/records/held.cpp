#include "ft/records/held.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>

#include "ft/base/error.h"
#include "ft/base/log.h"
#include "ft/commit/undo.h"
#include "ft/staging/names.h"

namespace ft::records {
namespace {

/// Sums a tree up; an object with several names counts once.
class Sum {
public:
    std::uint64_t bytes = 0;

    void add(const os::Directory& directory, std::string_view path) {
        const auto status = directory.status(path);
        if (!status || (status->links > 1 && status->type != os::FileType::directory &&
                        !linked_.insert(status->inode).second))
            return;
        bytes += status->allocated;
        if (status->type != os::FileType::directory) return;
        const std::unique_ptr<const os::Directory> below = directory.open_directory(path);
        for (const os::Name& name : below->list()) add(*below, name.name);
    }

private:
    std::set<std::uint64_t> linked_;
};

Held look_at(const std::string& path, const os::Directory& root, const os::Directory& state) {
    Held held{path, 0, 0, root.space().pool};
    if (!root.status(staging::kReservedDirectory)) return held;
    const auto kept = commit::kept_generations(state, root);
    const auto reserved = root.open_directory(staging::kReservedDirectory);
    for (const os::Name& name : reserved->list()) {
        const auto generation = staging::generation_of(name.name);
        const bool stays = generation && std::find(kept.begin(), kept.end(), *generation) != kept.end();
        (stays ? held.kept : held.staged) += bytes_on_disk(*reserved, name.name);
    }
    return held;
}

}  // namespace

std::vector<std::string> staging_roots(const system::Description& system) {
    std::vector<std::string> roots;
    for (const auto& tree : system.trees) {
        roots.push_back(system.below_root(tree.path));
        for (const base::RelPath& mount : tree.mounts)
            roots.push_back(system.below_root(tree.path) + '/' + mount.bytes());
    }
    roots.push_back(system.below_root("/etc"));
    std::sort(roots.begin(), roots.end());
    roots.erase(std::unique(roots.begin(), roots.end()), roots.end());
    return roots;
}

std::vector<Held> look_at_held(os::Machine& machine, const system::Description& system,
                               const os::Directory& state) {
    std::vector<Held> all;
    for (const std::string& path : staging_roots(system)) {
        try {
            const Held held = look_at(path, *machine.open_root_to_read(path), state);
            if (held.staged + held.kept > 0) all.push_back(held);
        } catch (const base::Error& error) {  // no such tree yet, or objects that go while we look
            base::log_info("{}", error.what());
        }
    }
    return all;
}

std::uint64_t bytes_on_disk(const os::Directory& directory, const std::string& path) {
    Sum sum;
    sum.add(directory, path);
    return sum.bytes;
}

}  // namespace ft::records
