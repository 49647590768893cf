#include <algorithm>

#include "ft/base/bytes.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/rel_path.h"
#include "ft/os/file.h"

namespace ft::os {

std::string read_all(const Directory& directory, std::string_view path, std::size_t limit) {
    constexpr std::size_t kChunk = 64 * 1024;
    const std::unique_ptr<const File> file = directory.open_file(path);
    std::string text;
    while (true) {
        const std::size_t had = text.size();
        text.resize(std::min(had + kChunk, limit + 1));
        const auto rest = std::as_writable_bytes(std::span{text}).subspan(had);
        const std::size_t count = file->read_at(had, rest);
        const bool ended = count < rest.size();
        text.resize(had + count);
        if (text.size() > limit) {
            throw base::Error{base::ErrorKind::unfit,
                              base::escape(directory.path() + "/" + std::string{path}) + ": longer than " +
                                  std::to_string(limit) + " bytes"};
        }
        if (ended) return text;
    }
}

void write_whole(Directory& directory, std::string_view path, std::string_view content) {
    const std::string next = std::string{path} + ".new";
    remove_all(directory, next);  // a crash left it
    try {
        const std::unique_ptr<File> file = directory.create_file(next);
        file->write_at(0, base::as_bytes(content));
        file->sync();
        // Both ways one step: at no time is there no file, or a part of one.
        if (directory.status(path)) {
            directory.exchange(next, directory, path);
            directory.remove(next);
        } else {
            directory.rename(next, directory, path);
        }
    } catch (const base::Error&) {
        if (directory.status(next)) directory.remove(next);
        throw;
    }
    const std::size_t slash = path.rfind('/');
    directory.open_directory(slash == std::string_view::npos ? "." : path.substr(0, slash))->sync();
}

}  // namespace ft::os
