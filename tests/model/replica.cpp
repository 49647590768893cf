#include "model/replica.h"

#include <fmt/format.h>

#include <utility>

#include "ft/base/bytes.h"
#include "ft/base/escape.h"

namespace ft::model {
namespace {

using base::FileType;

/// The first name of each inode of `root` that has more than one.
std::map<std::string, std::string> groups_of(const os::Directory& root, const test::Tree& tree) {
    std::map<std::uint64_t, std::string> first;
    std::map<std::string, std::string> groups;
    for (const auto& [path, object] : tree) {
        if (object.type == FileType::directory) continue;
        const auto [known, is_new] = first.emplace(root.status(path).value().inode, path);
        if (is_new) continue;
        groups[known->second] = known->second;
        groups[path] = known->second;
    }
    return groups;
}

void describe_into(std::string& text, const os::Directory& directory, const std::string& prefix,
                   bool reserved) {
    std::map<std::string, std::uint64_t> names;
    for (const os::Name& name : directory.list()) names.emplace(name.name, name.inode);
    for (const auto& [name, inode] : names) {
        const os::Status status = directory.status(name).value();
        text += fmt::format("{}{} {} {}", prefix, name, base::name_of(status.type), inode);
        const bool ours = reserved || (prefix.empty() && name == staging::kReservedDirectory);
        if (!ours) {
            const os::Attributes& is = status.attributes;
            text += fmt::format(" {:o} {}:{} {}.{} {}", is.mode, is.uid, is.gid, is.mtime.seconds,
                                is.mtime.nanoseconds, base::escape(directory.extended(name)));
        }
        if (status.type == FileType::regular && !(ours && name == "log"))
            text += " " + os::read_all(directory, name, 1000);
        text += '\n';
        if (status.type == FileType::directory)
            describe_into(text, *directory.open_directory(name), prefix + name + "/", ours);
    }
}

base::Object object_of(const test::TreeObject& object) {
    base::Object result{.type = object.type,
                        .attributes = object.attributes,
                        .link_target = object.content,
                        .extended = object.extended};
    if (object.type == FileType::symlink) result.attributes.mode = 0777;
    const std::size_t colon = object.content.find(':');
    if (colon != std::string::npos) {
        result.device_major = static_cast<std::uint32_t>(std::stoul(object.content));
        result.device_minor = static_cast<std::uint32_t>(std::stoul(object.content.substr(colon + 1)));
    }
    return result;
}

/// What is no directory does not get other extended attributes in place, nor another owner beside them.
bool is_renewed(const test::TreeObject& before, const test::TreeObject& after) {
    return after.type != FileType::directory &&
           (before.extended != after.extended ||
            (before.attributes != after.attributes && !after.extended.empty()));
}

class Feeder {
public:
    Feeder(staging::Staging& staging, const Replica& old, const Replica& wanted)
        : staging_{staging}, old_{old}, wanted_{wanted} {}

    void feed() {
        for (const auto& [path, member] : wanted_) feed(path, member);
        for (const auto& [path, member] : old_) {
            if (!wanted_.contains(path) && stays_directory(base::RelPath{path}.parent().bytes()))
                staging_.remove(base::RelPath{path});
        }
    }

private:
    void feed(const std::string& name, const Member& wanted) {
        const base::RelPath path{name};
        const bool over = !staging_.is_new(path) && old_.contains(name);
        if (over && stays(name, wanted)) {
            const auto& before = old_.at(name).object;
            if (before != wanted.object)
                staging_.change_attributes(path, object_of(before).attributes,
                                           object_of(wanted.object).attributes, before.extended,
                                           wanted.object.extended);
            return;
        }
        const auto where = over ? staging::Over::something : staging::Over::nothing;
        if (!wanted.group.empty() && wanted.group != name)
            return staging_.link(path, where, base::RelPath{wanted.group});
        if (wanted.object.type != FileType::regular)
            return staging_.create(path, where, object_of(wanted.object));
        const auto slot = staging_.create_file(path, where, base::DigestKind::xxh128, nullptr);
        slot->append(base::as_bytes(wanted.object.content));
        slot->finish(wanted.object.attributes, wanted.object.extended);
    }

    /// True when the live object becomes the wanted one by a change of attributes at most.
    bool stays(const std::string& name, const Member& wanted) {
        const Member& live = old_.at(name);
        if (live.object.type != wanted.object.type || live.object.content != wanted.object.content)
            return false;
        if (is_renewed(live.object, wanted.object)) return false;
        for (const auto& [other, member] : wanted_) {
            if (wanted.group.empty() || member.group != wanted.group) continue;
            const auto there = old_.find(other);
            const bool linked =
                there != old_.end() && !live.group.empty() && there->second.group == live.group;
            if (!linked || staging_.is_new(base::RelPath{other})) return false;
        }
        if (live.group.empty()) return true;
        // One object cannot become two.
        const std::string claim = wanted.group.empty() ? name : wanted.group;
        return claimed_.emplace(live.group, claim).first->second == claim;
    }

    bool stays_directory(const std::string& path) const {
        const auto is_directory = [&](const Replica& replica) {
            const auto found = replica.find(path);
            return found != replica.end() && found->second.object.type == FileType::directory;
        };
        return is_directory(old_) && is_directory(wanted_);
    }

    staging::Staging& staging_;
    const Replica& old_;
    const Replica& wanted_;
    std::map<std::string, std::string> claimed_;  // group of the live tree -> who keeps its object
};

}  // namespace

Replica read_replica(const os::Directory& root) {
    const test::Tree tree = test::read_tree(root);
    const auto groups = groups_of(root, tree);
    Replica replica;
    for (const auto& [path, object] : tree) {
        const auto group = groups.find(path);
        replica.emplace(path, Member{object, group == groups.end() ? "" : group->second});
    }
    return replica;
}

void write_replica(os::Directory& root, const Replica& replica) {
    test::Tree tree;
    for (const auto& [path, member] : replica) {
        if (member.group.empty() || member.group == path) tree.emplace(path, member.object);
    }
    test::write_tree(root, tree);
    for (const auto& [path, member] : replica) {
        if (!member.group.empty() && member.group != path) root.link(member.group, root, path);
    }
    for (auto entry = replica.rbegin(); entry != replica.rend(); ++entry)
        root.set_attributes(entry->first, entry->second.object.attributes);
    root.sync_file_system();
}

std::string describe(const os::Directory& root) {
    const os::Attributes is = root.status(".").value().attributes;
    std::string text = fmt::format(". {:o} {}:{}\nroot's time {}.{}\n", is.mode, is.uid, is.gid,
                                   is.mtime.seconds, is.mtime.nanoseconds);
    describe_into(text, root, {}, false);
    return text;
}

std::string show(const Replica& replica) {
    std::string text;
    for (const auto& [path, member] : replica) {
        const auto& [type, is, content, extended] = member.object;
        text += fmt::format("{} {} {:o} {}:{} {}.{} {} {} {}\n", path, base::name_of(type), is.mode, is.uid,
                            is.gid, is.mtime.seconds, is.mtime.nanoseconds, content, member.group,
                            base::escape(extended));
    }
    return text;
}

void stage(staging::Staging& staging, const Replica& old, const Replica& wanted) {
    Feeder{staging, old, wanted}.feed();
}

}  // namespace ft::model
