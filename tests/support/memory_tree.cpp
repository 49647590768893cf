#include <fmt/format.h>

#include <stdexcept>

#include "ft/base/bytes.h"
#include "support/memory_disk.h"

namespace ft::test {
namespace {

using base::FileType;

bool is_device(FileType type) { return type == FileType::character_device || type == FileType::block_device; }

/// Removes all but mount points, which are emptied.
void clear(os::Directory& directory) {
    const std::uint64_t device = directory.status(".")->device;
    for (const os::Name& name : directory.list()) {
        const auto status = *directory.status(name.name);
        if (status.type == FileType::directory) clear(*directory.open_directory(name.name));
        if (status.device == device) directory.remove(name.name);
    }
}

void create_device(os::Directory& directory, const std::string& path, const TreeObject& object) {
    const std::size_t colon = object.content.find(':');
    if (colon == std::string::npos) throw std::logic_error{path + ": a device has no numbers"};
    directory.create_special(path, object.type, static_cast<std::uint32_t>(std::stoul(object.content)),
                             static_cast<std::uint32_t>(std::stoul(object.content.substr(colon + 1))));
}

void create(os::Directory& directory, const std::string& path, const TreeObject& object) {
    switch (object.type) {
        case FileType::regular:
            directory.create_file(path)->write_at(0, base::as_bytes(object.content));
            break;
        case FileType::directory:
            if (!directory.status(path)) directory.create_directory(path);
            break;
        case FileType::symlink:
            directory.create_symlink(path, object.content);
            break;
        case FileType::character_device:
        case FileType::block_device:
            create_device(directory, path, object);
            break;
        default:
            directory.create_special(path, object.type, 0, 0);
    }
}

std::string content_of(const os::Directory& directory, const std::string& path, const os::Status& status) {
    if (status.type == FileType::symlink) return directory.read_link(path);
    if (is_device(status.type)) return fmt::format("{}:{}", status.device_major, status.device_minor);
    if (status.type != FileType::regular) return {};
    std::string content(status.size, '\0');
    content.resize(directory.open_file(path)->read_at(0, std::as_writable_bytes(std::span{content})));
    return content;
}

void read_into(Tree& tree, const os::Directory& directory, const std::string& prefix,
               const std::string& without) {
    for (const os::Name& name : directory.list()) {
        if (name.name == without) continue;
        const auto status = *directory.status(name.name);
        TreeObject object{status.type, status.attributes, content_of(directory, name.name, status)};
        object.extended = directory.extended(name.name);
        if (status.type == FileType::symlink) object.attributes.mode = 0;
        const std::string path = prefix + name.name;
        tree.emplace(path, std::move(object));
        if (status.type == FileType::directory)
            read_into(tree, *directory.open_directory(name.name), path + "/", {});
    }
}

}  // namespace

void write_tree(os::Directory& directory, const Tree& tree) {
    clear(directory);
    for (const auto& [path, object] : tree) {
        if (path != ".") create(directory, path, object);
    }
    // Deepest first: making a name moves the time of its directory.
    for (auto entry = tree.rbegin(); entry != tree.rend(); ++entry) {
        directory.set_attributes(entry->first, entry->second.attributes);
        if (!entry->second.extended.empty()) directory.set_extended(entry->first, entry->second.extended);
    }
    directory.sync_file_system();
    for (const auto& [path, object] : tree) {
        if (object.type == FileType::directory) directory.open_directory(path)->sync_file_system();
    }
}

Tree read_tree(const os::Directory& directory, const std::string& without) {
    Tree tree{{".", {FileType::directory, directory.status(".")->attributes, {}, directory.extended(".")}}};
    read_into(tree, directory, {}, without);
    return tree;
}

}  // namespace ft::test
