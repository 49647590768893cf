#include "staging/earlier.h"

#include <algorithm>
#include <utility>

#include "ft/base/error.h"

namespace ft::staging {

Earlier::Earlier(std::unique_ptr<os::Directory> directory, std::vector<Change> changes)
    : directory_{std::move(directory)}, placed_{std::move(changes)} {
    std::erase_if(placed_, [](const Change& change) {
        return change.kind != ChangeKind::place && change.kind != ChangeKind::replace;
    });
    std::sort(placed_.begin(), placed_.end(),
              [](const Change& a, const Change& b) { return a.path < b.path; });
}

std::optional<Earlier::Found> Earlier::find(const base::RelPath& path) const {
    // What lies below a new directory lies in that directory's slot.
    for (base::RelPath top = path; !top.is_root(); top = top.parent()) {
        const auto at = std::lower_bound(
            placed_.begin(), placed_.end(), top,
            [](const Change& change, const base::RelPath& wanted) { return change.path < wanted; });
        if (at == placed_.end() || at->path != top) continue;
        std::string place = slot_name(at->slot) + path.bytes().substr(top.bytes().size());
        const auto status = std::as_const(*directory_).status(place);
        if (!status || status->type != base::FileType::regular) return std::nullopt;
        return Found{std::move(place), *status};
    }
    return std::nullopt;
}

std::optional<os::Status> Earlier::status(const base::RelPath& path) const {
    const auto found = find(path);
    return found ? std::optional{found->status} : std::nullopt;
}

std::unique_ptr<const os::File> Earlier::open(const base::RelPath& path) const {
    const auto found = find(path);
    return found ? std::as_const(*directory_).open_file(found->place) : nullptr;
}

void Earlier::move(const base::RelPath& path, os::Directory& to_directory, const std::string& to) {
    const auto found = find(path);
    if (!found) throw base::Error{base::ErrorKind::internal, "a staged file that was not there is adopted"};
    directory_->rename(found->place, to_directory, to);
}

}  // namespace ft::staging
