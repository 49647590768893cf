#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "ft/base/bytes.h"
#include "ft/staging/staging.h"
#include "support/memory_disk.h"

/// What the tests of staging share.
namespace ft::staging {

inline constexpr base::Attributes kFile{04640, 3, 4, {1700000000, 123456789}};
inline constexpr base::Attributes kDirectory{0555, 5, 6, {1600000000, 987654321}};

inline void add_file(Staging& staging, const std::string& path, Over over, const std::string& content,
                     const base::Attributes& attributes = kFile) {
    const auto slot = staging.create_file(base::RelPath{path}, over, base::DigestKind::xxh128, nullptr);
    slot->append(base::as_bytes(content));
    slot->finish(attributes);
}

inline base::Object directory() { return {.type = base::FileType::directory, .attributes = kDirectory}; }

inline std::string content_of(const os::File& file) {
    std::string content(file.status().size, '\0');
    content.resize(file.read_at(0, std::as_writable_bytes(std::span{content})));
    return content;
}
inline std::string content_of(const os::Directory& root, const std::string& path) {
    return content_of(*root.open_file(path));
}

/// Bytes that do not repeat.
inline std::string noise(std::size_t length, std::uint32_t seed = 1) {
    std::string data;
    for (; data.size() < length; data += static_cast<char>(seed >> 24)) seed = seed * 1664525 + 1013904223;
    return data;
}

inline EarlierFiles check(Staging& staging) {
    base::Progress progress;
    base::Cancellation cancellation;
    return staging.check_earlier(progress, cancellation);
}

/// The live object's new content, or that of a file in a new directory, as the commit will place it.
inline std::map<std::string, std::string> staged_files(const os::Directory& root, const ChangeList& list) {
    std::map<std::string, std::string> found;
    for (const Move& move : list.moves) {
        if (move.kind == MoveKind::remove) continue;
        const std::string slot = slot_path(list.generation, move.slot);
        const auto status = root.status(slot).value();
        if (status.type == base::FileType::regular) found[move.path.bytes()] = content_of(root, slot);
        if (status.type != base::FileType::directory) continue;
        for (const auto& [path, object] : test::read_tree(*root.open_directory(slot))) {
            if (object.type == base::FileType::regular)
                found[move.path.bytes() + '/' + path] = object.content;
        }
    }
    return found;
}

}  // namespace ft::staging
