#pragma once

#include <algorithm>
#include <string>

#include "interop/stock.h"

namespace ft::test {

/// Gives directories below `root` back the times of `tree`, where names were made since.
inline void set_directory_times(os::Directory& root, const Tree& tree) {
    for (auto each = tree.rbegin(); each != tree.rend(); ++each) {
        if (each->second.type == base::FileType::directory)
            root.set_attributes(each->first, each->second.attributes);
    }
}

/// A tree of every kind of object, each alone and with several names; long names and paths, odd times, holes.
/// Protocol 30 has no nanoseconds.
inline void make_difficult(os::Directory& root, int protocol) {
    using base::FileType;
    const std::uint32_t fraction = protocol == 30 ? 0 : 123'456'789;
    Tree tree = sample_tree(noise(300'000));
    const std::string longest(255, 'n');
    const auto special = [&](FileType type, std::uint32_t mode, std::string content) {
        return TreeObject{type, {mode, 12, 34, {1'600'000'123, fraction}}, std::move(content)};
    };
    tree["plug"] = special(FileType::socket, 0770, "");
    tree["sub/plug"] = special(FileType::socket, 0600, "");
    tree["sub/null"] = special(FileType::character_device, 0666, "1:3");
    tree["sub/high"] = special(FileType::block_device, 0660, "4095:1048575");
    tree["sub/high too"] = special(FileType::block_device, 0660, "4095:7");
    tree["sub/fifo"] = special(FileType::fifo, 0622, "");
    tree["before 1970"] = special(FileType::regular, 0600, "old");
    tree["before 1970"].attributes.mtime.seconds = -1'000'000'000;
    tree["after 2106"] = special(FileType::regular, 06755, "new");
    tree["after 2106"].attributes.mtime.seconds = 5'000'000'000;
    tree[longest] = special(FileType::regular, 0644, "long");
    tree["many names"] = special(FileType::regular, 0644, noise(5000, 3));
    tree["no content, many names"] = special(FileType::regular, 0644, "");
    std::string deep = "sub/deep";
    std::string half;  // stock rsync cannot tell of a link between two paths of full length
    for (int level = 0; level < 15; ++level) {
        deep += "/" + longest;
        tree[deep] = special(FileType::directory, 0755, "");
        if (level == 4) half = deep;
    }
    tree[half + "/linked"] = special(FileType::regular, 0644, "half");
    // The whole path is longer than PATH_MAX, what the wire names is not.
    deep += "/" + std::string(4070 - deep.size() - 18, 'd');
    tree[deep] = special(FileType::directory, 0755, "");
    tree[deep + "/at the end"] = special(FileType::regular, 0644, "deep");
    for (auto& [path, object] : tree) {
        if (protocol == 30) object.attributes.mtime.nanoseconds = 0;
    }
    write_tree(root, tree);
    const auto link = [&](const std::string& from, const std::string& to) { root.link(from, root, to); };
    for (const char* name :
         {"big", "many names", "no content, many names", "link", "disk", "tty", "pipe", "plug"}) {
        link(name, "sub/deep/a further name of " + std::string{name});
        link(name, "sub-way/a third name of " + std::string{name});
        link(name, "0 before " + std::string{name});
    }
    link("sub/deep/file", "sub/deep/" + longest + "/file");
    link(half + "/linked", half + "/it has two names");
    set_directory_times(root, tree);
}

/// What a stock client brings over too: it leaves an unchanged file linked where it is.
inline void change_difficult(os::Directory& root) {
    const Tree tree = read_tree(root);
    const auto link = [&](const std::string& from, const std::string& to) { root.link(from, root, to); };
    root.change_file("big")->write_at(150'000, base::as_bytes("changed under all its names"));
    root.set_attributes("big", {0644, 0, 0, {1'700'000'002, 0}});
    root.remove("many names");
    link("sub-way/a third name of many names", "sub-way/a new name of many names");
    root.remove("sub/fifo");
    link("sub/plug", "sub/fifo");
    root.remove("sub/high");
    root.create_special("sub/high", base::FileType::block_device, 259, 1);
    root.set_attributes("sub/high", {0640, 0, 0, {1'600'000'000, 0}});
    root.remove("sub/deep/a further name of disk");
    link("sub/null", "sub/deep/a further name of disk");
    root.remove("sub-way/a third name of link");
    link("pipe", "sub-way/a third name of link");
    set_directory_times(root, tree);
    root.set_attributes("0 before tty", {0640, 7, 8, {1'500'000'000, 0}});
}

/// Some names are no more links, others are new ones, of what is unchanged.
inline void relink_difficult(os::Directory& root) {
    const Tree tree = read_tree(root);
    root.remove("0 before many names");
    const TreeObject& content = tree.at("0 before many names");
    root.create_file("0 before many names")->write_at(0, base::as_bytes(content.content));
    root.set_attributes("0 before many names", content.attributes);
    root.link("before 1970", root, "sub/before 1970");
    root.remove("sub-way/a third name of pipe");
    root.create_special("sub-way/a third name of pipe", base::FileType::fifo, 0, 0);
    root.set_attributes("sub-way/a third name of pipe", tree.at("pipe").attributes);
    set_directory_times(root, tree);
}

}  // namespace ft::test
