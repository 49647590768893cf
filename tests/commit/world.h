#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "ft/base/acl.h"
#include "ft/base/bytes.h"
#include "ft/base/error.h"
#include "ft/base/extended.h"
#include "ft/commit/commit.h"
#include "ft/commit/undo.h"
#include "ft/staging/staging.h"
#include "support/memory_disk.h"
#include "support/memory_machine.h"

namespace ft::commit {

using base::FileType;
using test::Tree;
using test::TreeObject;

inline TreeObject file(const std::string& content, std::int64_t mtime, std::uint32_t mode = 0644,
                       std::uint32_t uid = 0) {
    return {FileType::regular, {mode, uid, uid, {mtime, 5}}, content};
}
inline TreeObject directory(std::int64_t mtime, std::uint32_t mode = 0755, std::uint32_t uid = 0) {
    return {FileType::directory, {mode, uid, uid, {mtime, 7}}, ""};
}
inline TreeObject symlink(const std::string& target, std::int64_t mtime) {
    return {FileType::symlink, {0, 0, 0, {mtime, 0}}, target};
}
inline TreeObject device(const std::string& numbers, std::int64_t mtime) {
    return {FileType::character_device, {0600, 0, 0, {mtime, 0}}, numbers};
}

/// `object` with an access ACL that gives a user rights, where its mode lets it; a default ACL too, if
/// wished; and an attribute, if `value` is one.
inline TreeObject with_acl(TreeObject object, std::uint32_t user, std::uint8_t rights,
                           bool is_default = false, std::string_view value = {}) {
    base::Acl acl{.group = 5, .named = {{.id = user, .user = true, .permissions = rights}}};
    base::set_mode(acl, object.attributes.mode);
    const std::string packed = base::to_kernel(acl);
    std::vector<base::ExtendedAttribute> all{{base::kAccessAcl, packed}};
    if (is_default) all.push_back({base::kDefaultAcl, packed});
    if (!value.empty()) all.push_back({"user.t", value});
    object.extended = base::pack(std::move(all));
    return object;
}
inline TreeObject with_attribute(TreeObject object, std::string_view value) {
    object.extended = base::pack({{"trusted.t", value}});
    return object;
}

/// Databases as a file of the disk, which loses power with it: which oid has which name (0: none).
class FileSwapper : public DatabaseSwapper {
public:
    explicit FileSwapper(test::MemoryDisk& disk) : disk_{disk} {}
    bool refuse = false;
    bool gone = false;
    bool keeps = false;  ///< drops nothing
    bool unfit = false;  ///< cannot be swapped back
    int discarded = 0;

    static std::string state(unsigned current, unsigned incoming, unsigned previous, unsigned previous2 = 0) {
        return fmt::format("current {} incoming {} previous {} previous2 {}", current, incoming, previous,
                           previous2);
    }
    std::string state() const { return os::read_all(*disk_.open("/db"), "names", 100); }
    unsigned current() const { return read().current; }

    void apply(const DatabaseSwap& swap) override {
        if (gone) throw base::Error{base::ErrorKind::recovery, "appliance: no server"};
        if (refuse) throw base::Error{base::ErrorKind::database, "appliance: has other sessions"};
        Names names = read();
        if (names.current == swap.incoming_oid) return;
        if (names.current != swap.current_oid || names.incoming != swap.incoming_oid) throw unknown();
        names.current = swap.incoming_oid;
        names.incoming = 0;
        names.previous(swap) = swap.current_oid;
        write(names);
    }
    void reverse(const DatabaseSwap& swap) override {
        if (gone) throw base::Error{base::ErrorKind::recovery, "appliance: no server"};
        Names names = read();
        if (names.current == swap.current_oid) return;
        if (names.current != swap.incoming_oid || names.previous(swap) != swap.current_oid) throw unknown();
        names.current = swap.current_oid;
        names.incoming = swap.incoming_oid;
        names.previous(swap) = 0;
        write(names);
    }
    void redo(const DatabaseSwap& swap) override { apply(swap); }
    void require_reversible(const DatabaseSwap& swap) override {
        if (gone) throw base::Error{base::ErrorKind::database, "appliance: no server"};
        if (unfit || read().previous(swap) != swap.current_oid)
            throw base::Error{base::ErrorKind::unfit, "appliance: a_prev is gone"};
    }
    void discard(const DatabaseSwap& swap) override {
        Names names = read();
        drop(names, names.previous(swap), swap.current_oid);
    }
    void discard_incoming(const DatabaseSwap& swap) override {
        Names names = read();
        drop(names, names.incoming, swap.incoming_oid);
    }
    void restore(unsigned oid) {
        Names names = read();
        names.incoming = oid;
        write(names);
    }
    void write(const std::string& names) { os::write_whole(*disk_.open("/db"), "names", names); }

private:
    struct Names {
        unsigned current = 0;
        unsigned incoming = 0;
        unsigned previous1 = 0;
        unsigned previous2 = 0;
        unsigned& previous(const DatabaseSwap& swap) {
            return swap.previous == "a_prev" ? previous1 : previous2;
        }
    };
    Names read() const {
        Names names;
        std::string word;
        std::istringstream{state()} >> word >> names.current >> word >> names.incoming >> word >>
            names.previous1 >> word >> names.previous2;
        return names;
    }
    void write(const Names& names) {
        write(state(names.current, names.incoming, names.previous1, names.previous2));
    }
    base::Error unknown() const { return {base::ErrorKind::database, "appliance: " + state()}; }
    void drop(Names& names, unsigned& name, unsigned oid) {
        if (gone || keeps) throw base::Error{base::ErrorKind::database, "appliance: no server"};
        ++discarded;
        if (name != oid) return;
        name = 0;
        write(names);
    }
    test::MemoryDisk& disk_;
};

/// A machine whose name is a file of its disk: a step of the commit that fails, or is not reached, like
/// others.
class NamedMachine : public test::MemoryMachine {
public:
    explicit NamedMachine(test::MemoryDisk& disk) : MemoryMachine{disk}, disk_{disk} {}
    std::string host_name() const override { return os::read_all(*disk_.open("/db"), "host", 100); }
    void set_host_name(const std::string& name) override {
        if (refuse) throw base::Error{base::ErrorKind::permission, "cannot set the host name"};
        os::write_whole(*disk_.open("/db"), "host", after_naming.empty() ? name : after_naming);
    }
    bool refuse = false;
    std::string after_naming;  ///< what somebody else calls it at once

private:
    test::MemoryDisk& disk_;
};

inline base::Object object_of(const TreeObject& object) {
    base::Object result{.type = object.type,
                        .attributes = object.attributes,
                        .link_target = object.content,
                        .extended = object.extended};
    if (object.type == FileType::symlink) result.attributes.mode = 0777;
    if (object.type == FileType::character_device || object.type == FileType::block_device) {
        result.device_major = static_cast<std::uint32_t>(std::stoul(object.content));
        result.device_minor =
            static_cast<std::uint32_t>(std::stoul(object.content.substr(object.content.find(':') + 1)));
    }
    return result;
}

inline void stage_object(staging::Staging& staging, const base::RelPath& path, staging::Over over,
                         const TreeObject& object) {
    if (object.type != FileType::regular) return staging.create(path, over, object_of(object));
    const auto slot = staging.create_file(path, over, base::DigestKind::xxh128, nullptr);
    slot->append(base::as_bytes(object.content));
    slot->finish(object.attributes, object.extended);
}

/// Two objects of the same content: there must be a new one.
inline bool is_renewed(const TreeObject& before, const TreeObject& after) {
    return after.type != FileType::directory &&
           (before.extended != after.extended ||
            (before.attributes != after.attributes && !after.extended.empty()));
}

/// What a feeder does: everything by which `wanted` differs from `old`.
inline void stage(staging::Staging& staging, const Tree& old, const Tree& wanted) {
    for (const auto& [name, object] : wanted) {
        const base::RelPath path{name};
        const auto found = old.find(name);
        if (staging.is_new(path) || found == old.end()) {
            stage_object(staging, path, staging::Over::nothing, object);
        } else if (found->second.type != object.type || found->second.content != object.content ||
                   is_renewed(found->second, object)) {
            stage_object(staging, path, staging::Over::something, object);
        } else if (found->second != object) {
            staging.change_attributes(path, object_of(found->second).attributes, object_of(object).attributes,
                                      found->second.extended, object.extended);
        }
    }
    for (const auto& [name, object] : old) {
        const auto parent = wanted.find(base::RelPath{name}.parent().bytes());
        const bool parent_stays = parent != wanted.end() && parent->second.type == FileType::directory &&
                                  old.at(parent->first).type == FileType::directory;
        if (!wanted.contains(name) && parent_stays) staging.remove(base::RelPath{name});
    }
}

struct TreePair {
    std::string root;
    Tree old_tree;
    Tree new_tree;
};

enum class FileSystems { one, each };

/// A destination with trees on file systems of their own and one database, staged and ready to commit.
class World {
public:
    explicit World(std::vector<TreePair> trees, FileSystems file_systems = FileSystems::each)
        : trees_{std::move(trees)} {
        for (const char* name : {"state", "db"}) {
            disk.open("/")->create_directory(name);
            disk.mount(std::string{"/"} + name);
        }
        for (const TreePair& tree : trees_) {
            disk.open("/")->create_directory(tree.root.substr(1));
            if (file_systems == FileSystems::each) disk.mount(tree.root);
            test::write_tree(*disk.open(tree.root), tree.old_tree);
        }
        swapper.write(FileSwapper::state(1, 2, 0));
        machine.set_host_name("old.example");
        disk.open("/")->sync_file_system();
    }

    test::MemoryDisk disk;
    NamedMachine machine{disk};
    FileSwapper swapper{disk};

    unsigned run = 1;

    static std::string host(unsigned run) {
        return std::vector<std::string>{"old.example", "new.example", "third.example"}.at(run - 1);
    }
    /// What is new becomes old, and `trees` are the new ones.
    void begin_next(const std::vector<Tree>& trees) {
        ++run;
        for (std::size_t i = 0; i < trees.size(); ++i)
            trees_[i] = {trees_[i].root, trees_[i].new_tree, trees[i]};
    }
    /// Stages the difference between what is there and the new trees.
    Plan stage_all() {
        const auto earlier = store();
        const bool held = earlier && earlier->swaps.at(0).previous == "a_prev";
        Plan plan{
            .run_id = fmt::format("run-{}", run),
            .trees = {},
            .swaps = {{"host=/run", "postgres", "a", "a_in", held ? "a_prev2" : "a_prev", run + 1, run}},
            .host_name = HostName{host(run), host(run + 1)}};
        swapper.restore(run + 1);
        for (const TreePair& tree : trees_) {
            const auto root = disk.open(tree.root);
            staging::Staging staging{*root, staging::open_reserved(*root), kept(*root)};
            stage(staging, test::read_tree(*root), tree.new_tree);
            plan.trees.push_back({tree.root, staging.finish()});
            staging.sync();
        }
        return plan;
    }
    Committed commit(const Plan& plan) {
        return commit::commit(machine, *disk.open("/state"), plan, swapper);
    }
    Recovered recover() { return commit::recover(machine, *disk.open("/state"), swapper); }
    Committed undo() { return commit::undo(machine, *disk.open("/state"), swapper); }
    UndoPreview preview() { return preview_undo(machine, *open("/state"), swapper); }
    std::vector<std::string> discard() { return discard_undo(machine, *disk.open("/state"), swapper); }
    std::optional<UndoStore> store() const { return undo_store(*open("/state")); }
    bool mixture() const { return is_mixture(*open("/state")); }

    bool is_old() const {
        return swapper.current() == run && machine.host_name() == host(run) &&
               all([](const TreePair& t) { return t.old_tree; });
    }
    bool is_new() const {
        return swapper.current() == run + 1 && machine.host_name() == host(run + 1) &&
               all([](const TreePair& t) { return t.new_tree; });
    }
    /// Nothing is left of any run but the trees: no slots, no journal.
    bool is_clean() const {
        for (const TreePair& tree : trees_) {
            if (open(tree.root)->status(".ft-staging")) return false;
        }
        return open("/state")->list().empty();
    }
    /// Nothing is left but what the undo store of run `of` (0: the last) needs, and `staged` generations
    /// beside it.
    bool is_kept(unsigned of = 0, std::size_t staged = 0) const {
        const auto left = open("/state")->list();
        if (left.size() != 1 || left.front().name != "undo") return false;
        const auto is = store();
        if (!is || is->run_id != fmt::format("run-{}", of == 0 ? run : of)) return false;
        for (const TreePair& tree : trees_) {
            if (kept(*open(tree.root)).size() != 1 || generations(tree.root) != 1 + staged) return false;
        }
        return true;
    }
    /// After a roll back: what was staged waits to be adopted, the journal is gone.
    bool is_staged() const {
        for (const TreePair& tree : trees_) {
            if (generations(tree.root) != 1) return false;
        }
        return open("/state")->list().empty();
    }
    /// How many lie in the tree's reserved directory.
    std::size_t generations(const std::string& root) const {
        const std::string reserved = root + "/.ft-staging";
        return open(root)->status(".ft-staging") ? open(reserved)->list().size() : 0;
    }
    std::vector<staging::Generation> kept(const os::Directory& root) const {
        return kept_generations(*open("/state"), root);
    }
    /// What differs from the new trees, for messages.
    std::string shown() const {
        std::string text = swapper.state() + ", " + machine.host_name();
        for (const TreePair& tree : trees_) {
            const Tree found = test::read_tree(*open(tree.root));
            for (const auto& [path, object] : found) {
                const auto wanted = tree.new_tree.find(path);
                const bool same = wanted != tree.new_tree.end() && wanted->second == object;
                text += fmt::format("\n{}/{} {} {} {}", tree.root, path, base::name_of(object.type),
                                    object.content,
                                    same ? "new"
                                    : tree.old_tree.contains(path) && tree.old_tree.at(path) == object
                                        ? "old"
                                        : fmt::format("? {}.{}", object.attributes.mtime.seconds,
                                                      object.attributes.mtime.nanoseconds));
            }
        }
        return text;
    }

private:
    std::unique_ptr<os::Directory> open(const std::string& path) const {
        return const_cast<test::MemoryDisk&>(disk).open(path);
    }
    template <typename Which>
    bool all(Which&& which) const {
        for (const TreePair& tree : trees_) {
            if (test::read_tree(*open(tree.root)) != which(tree)) return false;
        }
        return true;
    }

    std::vector<TreePair> trees_;
};

/// Every kind of change of every kind of object, in two trees.
inline std::vector<TreePair> all_kinds() {
    const Tree old_data{{".", directory(100)},
                        {"same", file("same", 101)},
                        {"content", file("old content", 102)},
                        {"mode", file("same", 103, 0600, 7)},
                        {"gone", file("gone", 104)},
                        {"to-directory", file("a file", 105)},
                        {"to-link", file("a file", 106)},
                        {"to-file", directory(107)},
                        {"to-file/inside", file("inside", 108)},
                        {"to-file/deep", directory(109)},
                        {"to-file/deep/er", file("deeper", 110)},
                        {"link", symlink("old", 111)},
                        {"link-to-directory", symlink("same", 112)},
                        {"device", device("1:3", 113)},
                        {"touched", directory(114)},
                        {"touched/a", file("old a", 115)},
                        {"touched/b", file("b", 116)},
                        {"old-time", directory(117, 0700, 9)},
                        {"old-time/gone", file("gone", 117)},
                        {"old-time/x", file("x", 118)},
                        {"gone-directory", directory(119)},
                        {"gone-directory/deep", directory(120)},
                        {"gone-directory/deep/file", file("gone", 121)},
                        {"acl", with_acl(directory(122, 0770), 1, 7, true, "old")},
                        {"acl/file", with_acl(file("acl", 123, 0640), 1, 4)},
                        {"acl/lost", with_acl(file("acl", 124, 0660), 2, 6)},
                        {"acl/link", symlink("x", 125)},
                        {"acl goes", with_acl(directory(126, 0750), 1, 5)},
                        {"acl comes", directory(127, 0700)},
                        {"attribute", with_attribute(directory(128), "old")}};
    const Tree new_data{{".", directory(200)},
                        {"same", file("same", 101)},
                        {"content", file("new content", 202)},
                        {"mode", file("same", 203, 04755)},
                        {"to-directory", directory(205)},
                        {"to-directory/a", file("new", 206)},
                        {"to-directory/b", directory(207, 0500)},
                        {"to-directory/b/c", symlink("../a", 208)},
                        {"to-link", symlink("content", 209)},
                        {"to-file", file("no directory", 210)},
                        {"link", symlink("new", 211)},
                        {"link-to-directory", directory(212)},
                        {"link-to-directory/x", file("x", 213)},
                        {"device", device("1:5", 214)},
                        {"touched", directory(114)},
                        {"touched/a", file("new a", 215)},
                        {"touched/new", file("new", 216)},
                        {"old-time", directory(217, 0711)},
                        {"old-time/x", file("x", 118)},
                        {"fresh", directory(218)},
                        {"fresh/deep", directory(219)},
                        {"fresh/deep/file", file("fresh", 220)},
                        {"fresh/device", device("5:1", 221)},
                        {"nl\n\xff", file("strange name", 222)},
                        {"acl", with_acl(directory(122, 0750), 3, 5, true, "new")},
                        {"acl/file", with_acl(file("acl", 123, 0640), 1, 6)},
                        {"acl/lost", file("acl", 124, 0660)},
                        {"acl/link", with_attribute(symlink("x", 125), "of the link")},
                        {"acl goes", directory(226, 0777)},
                        {"acl comes", with_acl(directory(227, 0777, 4), 1, 7, true)},
                        {"attribute", with_attribute(directory(128), std::string(3000, 'n'))},
                        {"fresh/acl", with_acl(directory(228), 1, 7, true, "fresh")},
                        {"fresh/acl/file", with_acl(file("fresh", 229, 0664), 9, 7)},
                        {"fresh/acl/plain", file("fresh", 230)}};
    const Tree old_config{
        {".", directory(300)}, {"a", file("1", 301)}, {"b", directory(302)}, {"b/c", file("2", 303)}};
    const Tree new_config{
        {".", directory(300)}, {"a", file("11", 401)}, {"b", directory(302)}, {"b/d", file("3", 403)}};
    return {{"/data", old_data, new_data}, {"/config", old_config, new_config}};
}

/// The same in few objects, where every state is tried.
inline std::vector<TreePair> few_objects() {
    const Tree old_tree{{".", directory(100)},      {"a", file("old", 101)},
                        {"b", file("gone", 102)},   {"c", directory(103)},
                        {"c/d", symlink("x", 104)}, {"g", with_acl(directory(105, 0750), 1, 5)}};
    const Tree new_tree{{".", directory(200)},     {"a", directory(201)},
                        {"a/e", file("new", 202)}, {"c", directory(103)},
                        {"c/f", file("f", 204)},   {"g", with_acl(directory(105, 0770), 2, 7, true)}};
    const Tree old_other{{".", directory(300)}, {"a", file("1", 301)}};
    const Tree new_other{{".", directory(300)}, {"a", file("1", 301, 0600)}};
    return {{"/data", old_tree, new_tree}, {"/config", old_other, new_other}};
}

}  // namespace ft::commit
