#include "ft/tree/scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::tree {
namespace {

constexpr std::size_t kMostLines = 1000;
constexpr std::size_t kMostExamples = 3;
constexpr std::size_t kShownPath = 200;  // bytes of a path that is too long to be a path

base::Object object_of(const os::Status& status, std::string_view link_target, std::string_view extended) {
    base::Object object;
    object.type = status.type;
    object.attributes = status.attributes;
    object.device_major = status.device_major;
    object.device_minor = status.device_minor;
    object.link_target = link_target;
    object.extended = extended;
    if (status.type == base::FileType::regular) object.size = status.size;
    if (status.type == base::FileType::symlink) object.size = link_target.size();
    return object;
}

/// A directory whose content is still to be read.
struct Pending {
    std::string path;
    os::Status status;
    std::size_t depth = 0;
    bool mounted = false;     // something is mounted there
    bool expected = false;    // and shall be, as a part of the tree
    std::uint32_t mount = 0;  // number of the mount that it lies on, 0 the root's
    std::string extended{};
};

/// An object with several names.
struct LinkedObject {
    std::uint32_t mount;  // no link leads from one to another, be they of one file system
    std::uint64_t device;
    std::uint64_t inode;
    bool operator==(const LinkedObject&) const = default;
};
struct HashLinked {
    std::size_t operator()(const LinkedObject& object) const {
        return std::hash<std::uint64_t>{}(object.inode ^ object.device << 40 ^
                                          std::uint64_t{object.mount} << 56);
    }
};
struct NamesOfLinked {
    std::size_t first;      // arrival position
    std::uint64_t listed;   // so far
    std::uint64_t missing;  // to be listed yet
};

class Scan {
public:
    Scan(const os::Directory& root, const Rules& rules, base::Cancellation& cancellation,
         const ScanOptions& options)
        : root_{root},
          rules_{rules},
          cancellation_{cancellation},
          changed_since_{options.changed_since},
          mounts_{options.mounts},
          extended_{options.extended},
          on_entry_{options.on_entry} {}

    Scanned run() {
        const auto status = root_.status(".");
        if (!status) throw base::Error{base::ErrorKind::io, base::escape(root_.path()) + ": does not exist"};
        Pending top{".", *status};
        if (extended_) top.extended = root_.extended(".");
        enter(top);
        tell(std::nullopt);
        read(root_, top);
        // Directories are opened by their path from the root and closed before their own directories are
        // read: a tree of 2000 levels needs no 2000 descriptors, and no stack but this one.
        while (!pending_.empty()) {
            const Pending next = std::move(pending_.back());
            pending_.pop_back();
            descend(next);
        }
        for (const base::RelPath& missing : mounts_) {
            if (!rules_.hides(missing.bytes(), true)) not_mounted(missing.bytes());
        }
        tell_linked_outside();
        found_.listing.sort();
        return std::move(found_);
    }

private:
    void descend(const Pending& next) {
        cancellation_.check();
        const bool elsewhere = next.mounted && !next.expected;
        std::unique_ptr<const os::Directory> directory;
        if (!elsewhere) {
            try {
                directory = root_.open_directory(next.path);
            } catch (const base::Error& error) {
                if (is_gone(root_, next.path, base::FileType::directory, error)) return;
                unreadable(error);
            }
        }
        enter(next);
        if (elsewhere) {
            found_.mount_points.push_back(base::escape(next.path));
            found_.listing.mark_mount_point(above_.back());
            pin_all_above();
        } else if (next.mounted) {
            found_.listing.mark_ground(above_.back());
            pin_all_above();
        } else if (next.expected) {
            not_mounted(next.path);
        }
        tell(std::nullopt);
        if (!directory) return;
        try {
            read(*directory, next);
        } catch (const base::Error& error) {
            if (!is_gone(root_, next.path, base::FileType::directory, error)) unreadable(error);
        }
    }

    /// Lists a directory and makes it the last of `above_`.
    void enter(const Pending& here) {
        above_.resize(here.depth);
        above_.push_back(found_.listing.size());
        found_.listing.add(here.path, object_of(here.status, {}, here.extended));
    }

    /// Adds what is no directory in protocol order; directories become pending, the first one on top.
    void read(const os::Directory& directory, const Pending& here) {
        std::vector<os::Name> names = directory.list();
        std::sort(names.begin(), names.end(),
                  [](const os::Name& a, const os::Name& b) { return a.name < b.name; });
        const auto first = static_cast<std::ptrdiff_t>(pending_.size());
        for (const os::Name& name : names) {
            cancellation_.check();
            const std::string below = here.path == "." ? name.name : here.path + '/' + name.name;
            if (const std::string_view wrong = base::RelPath::fault(below); !wrong.empty()) {
                unreadable(fmt::format("{}...: cannot be named on the wire: a path with {}",
                                       base::escape(below.substr(0, kShownPath)), wrong));
            } else {
                try {
                    visit(directory, name.name, below, here);
                } catch (const base::Error& error) {
                    unreadable(error);
                }
            }
        }
        std::sort(pending_.begin() + first, pending_.end(), [](const Pending& a, const Pending& b) {
            return compare_paths(a.path, true, b.path, true) > 0;
        });
    }

    void visit(const os::Directory& directory, const std::string& name, const std::string& path,
               const Pending& above) {
        if (rules_.excludes(path, false)) return pin_all_above();
        const std::optional<os::Status> status = directory.status(name);
        if (!status) {
            ++found_.vanished;
            return;
        }
        const bool is_directory = status->type == base::FileType::directory;
        if (is_directory && rules_.excludes(path, true)) return pin_all_above();
        std::string extended;
        std::string target;
        try {
            if (extended_) extended = directory.extended(name);
            if (status->type == base::FileType::symlink) target = directory.read_link(name);
        } catch (const base::Error& error) {
            if (!is_gone(directory, name, status->type, error)) throw;
            return;
        }
        if (is_directory) {
            // A subvolume is no mount point, but a file system of its own to whoever renames.
            const bool mounted = status->mount_root || status->device != above.status.device;
            if (!mounted) note_change(path, *status);
            pending_.push_back({path, *status, above.depth + 1, mounted, is_expected(path),
                                mounted ? ++last_mount_ : above.mount, std::move(extended)});
            return;
        }
        note_change(path, *status);
        found_.listing.add(path, object_of(*status, target, extended));
        if (status->links < 2) return tell(std::nullopt);
        tell(note_link({above.mount, status->device, status->inode}, status->links));
    }

    /// Of the entry that was added last.
    void tell(std::optional<std::size_t> first) const {
        if (on_entry_) on_entry_(found_.listing[found_.listing.size() - 1], first);
    }

    /// Of the entry that was added last; position of the first name of its object.
    std::size_t note_link(const LinkedObject& object, std::uint64_t links) {
        const std::size_t arrival = found_.listing.size() - 1;
        const auto [known, is_new] = linked_.try_emplace(object, NamesOfLinked{arrival, 0, links});
        NamesOfLinked& names = known->second;
        if (!is_new && is_same_object(arrival, names.first)) {
            found_.listing.link(arrival, names.first);
        } else if (!is_new) {
            names = {arrival, 0, links};  // that one is gone, and its number another's
        }
        const std::size_t first = names.first;
        ++names.listed;
        if (--names.missing == 0) linked_.erase(known);
        return first;
    }

    bool is_same_object(std::size_t one, std::size_t other) const {
        const base::Object a = found_.listing[one].object;
        const base::Object b = found_.listing[other].object;
        return a.type == b.type && a.size == b.size && a.attributes == b.attributes;
    }

    void tell_linked_outside() {
        std::vector<std::size_t> firsts;
        for (const auto& [object, names] : linked_) {
            found_.linked_outside += names.listed;
            firsts.push_back(names.first);
        }
        linked_ = {};
        const auto end = firsts.begin() + static_cast<std::ptrdiff_t>(std::min(firsts.size(), kMostExamples));
        std::partial_sort(firsts.begin(), end, firsts.end());
        for (auto first = firsts.begin(); first != end; ++first)
            found_.outside_examples.push_back(base::escape(found_.listing[*first].path));
    }

    bool is_expected(const std::string& path) {
        return std::erase_if(mounts_, [&](const base::RelPath& mount) { return mount.bytes() == path; }) > 0;
    }

    void not_mounted(const std::string& path) {
        unreadable(base::escape(path) + ": nothing is mounted here, which system.json says is a mount point");
    }

    void note_change(const std::string& path, const os::Status& status) {
        if (!changed_since_ || status.ctime <= *changed_since_) return;
        ++found_.changed.objects;
        if (found_.changed.examples.size() < kMostExamples)
            found_.changed.examples.push_back(base::escape(path));
    }

    /// Whether the object went away, or became something else, since its directory was listed; counted then.
    /// Rethrows what is no trouble with the object.
    bool is_gone(const os::Directory& directory, const std::string& path, base::FileType type,
                 const base::Error& error) {
        require_local(error);
        std::optional<os::Status> now;
        try {
            now = directory.status(path);
        } catch (const base::Error& again) {
            require_local(again);
            return false;
        }
        if (now && now->type == type) return false;
        ++found_.vanished;
        return true;
    }

    static void require_local(const base::Error& error) {
        if (error.kind() != base::ErrorKind::io && error.kind() != base::ErrorKind::permission) throw error;
    }

    void unreadable(const base::Error& error) {
        require_local(error);
        unreadable(error.what());
    }
    void unreadable(std::string line) {
        ++found_.unreadable_count;
        if (found_.unreadable.size() < kMostLines) found_.unreadable.push_back(std::move(line));
    }

    void pin_all_above() {
        for (const std::size_t arrival : above_) found_.listing.pin(arrival);
    }

    const os::Directory& root_;
    const Rules& rules_;
    base::Cancellation& cancellation_;
    const std::optional<base::Timestamp> changed_since_;
    std::vector<base::RelPath> mounts_;  // those that were not met yet
    const bool extended_;
    const std::function<void(const Item&, std::optional<std::size_t>)>& on_entry_;
    std::vector<Pending> pending_;    // the next one last
    std::vector<std::size_t> above_;  // arrival positions of the directories from the root to the current one
    std::uint32_t last_mount_ = 0;
    std::unordered_map<LinkedObject, NamesOfLinked, HashLinked> linked_;  // of which names are missing yet
    Scanned found_;
};

}  // namespace

Scanned scan(const os::Directory& root, const Rules& rules, base::Cancellation& cancellation,
             const ScanOptions& options) {
    return Scan{root, rules, cancellation, options}.run();
}

}  // namespace ft::tree
