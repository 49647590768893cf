#include <algorithm>
#include <cerrno>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/rel_path.h"
#include "support/memory_file.h"

namespace ft::test {
namespace {

using os::FileType;

/// Where a path leads.
struct Place {
    std::shared_ptr<Inode> parent{};  ///< of the last component; none for the directory itself
    std::string name{};
    std::shared_ptr<Inode> object{};  ///< none when the name is free
    int error = 0;                    ///< why the way to it is none
};

Inode new_inode(FileType type, std::uint32_t mode) {
    Inode inode;
    inode.type = type;
    inode.attributes.mode = mode;
    return inode;
}

class MemoryDirectory : public os::Directory {
public:
    MemoryDirectory(std::shared_ptr<MemoryDisk::State> state, std::shared_ptr<Inode> inode, std::string path)
        : state_{std::move(state)},
          generation_{state_->generation},
          inode_{std::move(inode)},
          path_{std::move(path)},
          heard_{state_->failed_syncs(inode_->device)} {}

    std::string path() const override { return path_; }

    void for_each_name(const os::UseName& use) const override {
        for (const os::Name& each : names_now()) use(each.name, each.inode);
    }

    std::optional<os::Status> status(std::string_view path) const override {
        const std::lock_guard lock{state_->mutex};
        begin_read("status", "look at", path);
        const Place place = find(path);
        if (place.object == nullptr) return std::nullopt;
        return status_of(*place.object);
    }

    std::string read_link(std::string_view path) const override {
        const std::lock_guard lock{state_->mutex};
        begin_read("read", "read the link", path);
        const auto object = existing("read the link", path).object;
        if (object->type != FileType::symlink) fail("read the link", path, EINVAL);
        return object->target;
    }

    std::string extended(std::string_view path) const override {
        const std::lock_guard lock{state_->mutex};
        begin_read("read extended", "read the extended attributes", path);
        return existing("read the extended attributes", path).object->extended;
    }

    std::unique_ptr<const os::File> open_file(std::string_view path) const override {
        return file(path, "open");
    }

    std::unique_ptr<const os::Directory> open_directory(std::string_view path) const override {
        return directory(path);
    }

    os::Space space() const override {
        const std::lock_guard lock{state_->mutex};
        begin_read("space", "ask for free space", ".");
        return {.free_bytes = state_->capacity - std::min(state_->capacity, state_->current.used()),
                .total_bytes = state_->capacity,
                .free_inodes = kNoEnd,
                .most_names = state_->most_names,
                .pool = inode_->device};
    }

    std::unique_ptr<os::Directory> open_directory(std::string_view path) override { return directory(path); }

    std::unique_ptr<os::File> create_file(std::string_view path) override {
        const std::lock_guard lock{state_->mutex};
        auto inode = create(path, new_inode(FileType::regular, 0600));
        return std::make_unique<MemoryFile>(state_, std::move(inode), full(path));
    }

    std::unique_ptr<os::File> change_file(std::string_view path) override { return file(path, "open"); }

    void create_directory(std::string_view path) override {
        const std::lock_guard lock{state_->mutex};
        create(path, new_inode(FileType::directory, 0700));
    }

    void create_symlink(std::string_view path, std::string_view target) override {
        const std::lock_guard lock{state_->mutex};
        Inode link = new_inode(FileType::symlink, 0777);
        link.target = target;
        create(path, std::move(link));
    }

    void create_special(std::string_view path, FileType type, std::uint32_t major,
                        std::uint32_t minor) override {
        const std::lock_guard lock{state_->mutex};
        Inode special = new_inode(type, 0600);
        if (type == FileType::character_device || type == FileType::block_device) {
            special.major = major;
            special.minor = minor;
        }
        create(path, std::move(special));
    }

    void link(std::string_view path, os::Directory& to_directory, std::string_view to) override {
        const std::lock_guard lock{state_->mutex};
        const std::string action = "link to " + shown(to_directory, to);
        begin_change("link", action, path);
        const auto [source, target] = both("link to", action, path, to_directory, to);
        if (target.object != nullptr) fail(action, path, EEXIST);
        if (!is_linked(*target.parent)) fail(action, path, ENOENT);
        if (source.object->type == FileType::directory) fail(action, path, EPERM);
        state_->change(source.parent->device,
                       NameChange{{target.parent->id, target.name, 0, source.object->id}});
    }

    void rename(std::string_view from, os::Directory& to_directory, std::string_view to) override {
        const std::lock_guard lock{state_->mutex};
        const std::string action = "rename to " + shown(to_directory, to);
        begin_change("rename", action, from);
        const auto [source, target] = both("rename to", action, from, to_directory, to);
        if (target.object != nullptr) fail(action, from, EEXIST);
        if (!is_linked(*target.parent)) fail(action, from, ENOENT);
        state_->change(source.parent->device,
                       NameChange{{source.parent->id, source.name, source.object->id, 0},
                                  {target.parent->id, target.name, 0, source.object->id}});
    }

    void exchange(std::string_view path, os::Directory& other_directory, std::string_view other) override {
        const std::lock_guard lock{state_->mutex};
        const std::string action = "exchange with " + shown(other_directory, other);
        begin_change("exchange", action, path);
        const auto [one, two] = both("exchange with", action, path, other_directory, other);
        if (two.object == nullptr) fail(action, path, ENOENT);
        if (one.object == two.object) return;
        state_->change(one.parent->device,
                       NameChange{{one.parent->id, one.name, one.object->id, two.object->id},
                                  {two.parent->id, two.name, two.object->id, one.object->id}});
    }

    void remove(std::string_view path) override {
        const std::lock_guard lock{state_->mutex};
        begin_change("remove", "remove", path);
        const Place place = existing("remove", path);
        if (is_mount_point(place)) fail("remove", path, EBUSY);
        if (!place.object->names.empty()) fail("remove", path, ENOTEMPTY);
        state_->change(place.parent->device, NameChange{{place.parent->id, place.name, place.object->id, 0}});
    }

    void set_attributes(std::string_view path, const os::Attributes& attributes) override {
        const std::lock_guard lock{state_->mutex};
        begin_change("attributes", "change", path);
        const auto object = existing("change", path).object;
        os::Attributes set = attributes;
        if (object->type == FileType::symlink) set.mode = 0777;
        state_->change(object->device, SetAttributes{.inode = object->id, .attributes = set});
    }

    void set_extended(std::string_view path, std::string_view packed) override {
        const std::lock_guard lock{state_->mutex};
        begin_change("extended", "set the extended attributes", path);
        const auto object = existing("change", path).object;
        state_->change(object->device, SetExtended{.inode = object->id, .packed = std::string{packed}});
    }

    void sync() override {
        const std::lock_guard lock{state_->mutex};
        begin_change("sync", "sync", ".");
        state_->log.sync_inode(inode_->id);
    }

    void sync_file_system() override {
        const std::lock_guard lock{state_->mutex};
        int code = state_->begin_change(generation_, "sync");
        if (code == 0) {
            state_->log.sync_device(inode_->device);
            if (heard_ != state_->failed_syncs(inode_->device))
                code = state_->sync_failures[inode_->device].back();
        } else {
            state_->log.give_up_device(inode_->device);
            state_->fail_sync(inode_->device, code);
        }
        heard_ = state_->failed_syncs(inode_->device);
        if (code != 0) fail("sync the file system of", ".", code);
    }

private:
    std::vector<os::Name> names_now() const {
        const std::lock_guard lock{state_->mutex};
        begin_read("list", "list", ".");
        std::vector<os::Name> names;
        for (const auto& [name, inode] : inode_->names) names.push_back({.name = name, .inode = inode});
        // Not by name: whoever needs an order makes it.
        std::sort(names.begin(), names.end(), [](const auto& a, const auto& b) { return a.inode < b.inode; });
        return names;
    }

    std::string full(std::string_view path) const {
        if (path == ".") return path_;
        return (path_ == "/" ? path_ : path_ + "/") + std::string{path};
    }

    static std::string shown(const os::Directory& directory, std::string_view path) {
        const auto* own = dynamic_cast<const MemoryDirectory*>(&directory);
        return base::escape(own == nullptr ? path : own->full(path));
    }

    void require_path(std::string_view path) const {
        const std::string_view wrong = base::RelPath::fault(path);
        if (wrong.empty()) return;
        throw base::Error{base::ErrorKind::io,
                          base::escape(full(path)) + ": a path with " + std::string{wrong}};
    }

    [[noreturn]] void fail(std::string_view action, std::string_view path, int code) const {
        throw base::system_error(action, full(path), code);
    }

    void begin_read(std::string_view kind, std::string_view action, std::string_view path) const {
        if (const int code = state_->begin_read(generation_, kind)) fail(action, path, code);
    }

    void begin_change(std::string_view kind, std::string_view action, std::string_view path) const {
        if (const int code = state_->begin_change(generation_, kind)) fail(action, path, code);
    }

    Place find(std::string_view path) const {
        require_path(path);
        Place place{.object = inode_};
        if (path == ".") return place;
        for (std::size_t start = 0; start <= path.size();) {
            const std::size_t end = std::min(path.find('/', start), path.size());
            const std::string_view name = path.substr(start, end - start);
            start = end + 1;
            if (place.object == nullptr) return {.error = ENOENT};
            if (place.object->type == FileType::symlink) return {.error = ELOOP};
            if (place.object->type != FileType::directory) return {.error = ENOTDIR};
            place.parent = place.object;
            place.name = name;
            const auto found = place.parent->names.find(place.name);
            place.object = found == place.parent->names.end() ? nullptr : state_->current.find(found->second);
        }
        return place;
    }

    Place existing(std::string_view action, std::string_view path) const {
        Place place = find(path);
        if (place.error == 0 && place.object == nullptr) place.error = ENOENT;
        if (place.error == 0 && action == "remove" && place.parent == nullptr) place.error = EBUSY;
        if (place.error != 0) fail(action, path, place.error);
        return place;
    }

    /// The two ends of a rename or exchange, as far as their rules are the same.
    std::pair<Place, Place> both(std::string_view verb, std::string_view action, std::string_view path,
                                 os::Directory& other_directory, std::string_view other_path) const {
        const auto* other = dynamic_cast<MemoryDirectory*>(&other_directory);
        if (other == nullptr || other->state_ != state_) fail(action, path, EXDEV);
        state_->require_power(other->generation_);
        Place one = find(path);
        Place two = other->find(other_path);
        if (one.error != 0) fail(verb, path, one.error);
        if (two.error != 0) other->fail(verb, other_path, two.error);
        if (one.object == nullptr) fail(action, path, ENOENT);
        if (one.parent == nullptr || two.parent == nullptr) fail(action, path, EBUSY);
        if (one.parent->device != two.parent->device) fail(action, path, EXDEV);
        if (is_mount_point(one) || is_mount_point(two)) fail(action, path, EBUSY);
        const bool into_itself =
            state_->current.lies_in(two.parent->id, one.object->id) ||
            (two.object != nullptr && state_->current.lies_in(one.parent->id, two.object->id));
        if (into_itself) fail(action, path, EINVAL);
        return {std::move(one), std::move(two)};
    }

    std::shared_ptr<Inode> create(std::string_view path, Inode inode) {
        begin_change("create", "create", path);
        const Place place = find(path);
        if (place.error != 0) fail("create", path, place.error);
        if (place.object != nullptr) fail("create", path, EEXIST);
        if (!is_linked(*place.parent)) fail("create", path, ENOENT);
        inode.device = place.parent->device;
        const std::uint64_t id = state_->make_inode(std::move(inode));
        state_->change(place.parent->device, NameChange{{place.parent->id, place.name, 0, id}});
        return state_->current.find(id);
    }

    std::unique_ptr<MemoryFile> file(std::string_view path, std::string_view action) const {
        const std::lock_guard lock{state_->mutex};
        begin_read("open", action, path);
        const Place place = find(path);
        if (place.error != ELOOP && place.object == nullptr)
            fail(action, path, place.error != 0 ? place.error : ENOENT);
        if (place.error == ELOOP || place.object->type != FileType::regular) {
            throw base::Error{base::ErrorKind::io, "changed while it was read: it is no regular file"}.on(
                full(path));
        }
        return std::make_unique<MemoryFile>(state_, place.object, full(path));
    }

    std::unique_ptr<MemoryDirectory> directory(std::string_view path) const {
        const std::lock_guard lock{state_->mutex};
        begin_read("open", "open", path);
        auto object = existing("open", path).object;
        if (object->type != FileType::directory) fail("open", path, ENOTDIR);
        return std::make_unique<MemoryDirectory>(state_, std::move(object), full(path));
    }

    static bool is_linked(const Inode& directory) { return directory.links > 0; }
    static bool is_mount_point(const Place& place) {
        return place.object != nullptr && place.parent != nullptr &&
               place.object->device != place.parent->device;
    }

    std::shared_ptr<MemoryDisk::State> state_;
    std::uint64_t generation_;
    std::shared_ptr<Inode> inode_;
    std::string path_;
    std::uint64_t heard_;  // failed syncs of its file system
};

}  // namespace

std::unique_ptr<os::Directory> make_memory_directory(std::shared_ptr<MemoryDisk::State> state,
                                                     std::shared_ptr<Inode> inode, const std::string& path) {
    return std::make_unique<MemoryDirectory>(std::move(state), std::move(inode), path);
}

}  // namespace ft::test
