#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/os/file.h"

namespace ft::os {
namespace {

/// What is mounted in a directory that goes is not ours to empty.
void require_same_file_system(const Status& status, std::uint64_t device, const Directory& directory,
                              std::string_view path) {
    if (status.device == device) return;
    throw base::Error{base::ErrorKind::io,
                      fmt::format("{}/{}: another file system is mounted here",
                                  base::escape(directory.path()), base::escape(path)),
                      "Unmount it, then run the same command again."};
}

}  // namespace

void remove_all(Directory& directory, std::string_view path) {
    struct Pending {
        std::string path;
        bool emptied = false;
    };
    const std::optional<Status> top = directory.status(path);
    if (!top) return;
    const std::uint64_t device = directory.status(".")->device;
    require_same_file_system(*top, device, directory, path);
    if (top->type != FileType::directory) return directory.remove(path);
    std::vector<Pending> pending{{std::string{path}}};  // directories, each after those that hold it
    while (!pending.empty()) {
        if (pending.back().emptied) {
            directory.remove(pending.back().path);
            pending.pop_back();
            continue;
        }
        pending.back().emptied = true;
        const std::string here = pending.back().path;
        const std::unique_ptr<Directory> inside = directory.open_directory(here);
        inside->for_each_name([&](std::string_view name, std::uint64_t) {
            const std::optional<Status> status = inside->status(name);
            if (!status) return;
            require_same_file_system(*status, device, *inside, name);
            if (status->type == FileType::directory) {
                pending.push_back({fmt::format("{}/{}", here, name)});
            } else {
                inside->remove(name);
            }
        });
    }
}

std::unique_ptr<Directory> make_directories(Directory& directory, std::string_view path) {
    for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
        const std::string_view part = path.substr(0, end);
        if (!directory.status(part)) {
            try {
                directory.create_directory(part);
            } catch (const base::Error&) {
                if (!directory.status(part)) throw;  // another thread was faster
            }
        }
        if (end == std::string_view::npos) return directory.open_directory(path);
    }
}

}  // namespace ft::os
