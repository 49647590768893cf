#include <fmt/format.h>

#include <map>

#include "ft/base/escape.h"
#include "ft/system/hook_variables.h"
#include "ft/system/host_settings.h"
#include "ft/tree/rules.h"
#include "system/description_reader.h"
#include "system/paths.h"

namespace ft::system {

void DescriptionReader::check_databases(const Description& system) {
    std::map<std::string, std::size_t> seen;
    for (std::size_t i = 0; i < system.databases.size(); ++i) {
        const std::string& name = system.databases[i].name;
        if (name.empty()) continue;
        const auto [first, is_new] = seen.emplace(name, i);
        if (is_new) continue;
        add(member(element("databases", i), "name"),
            fmt::format("\"{}\" is the name of databases[{}] already", base::escape(name), first->second));
    }
}

void DescriptionReader::check_trees(const Description& system) {
    std::map<std::string, std::size_t> seen;
    for (std::size_t i = 0; i < system.trees.size(); ++i) {
        const TreeDescription& tree = system.trees[i];
        const std::string at = element("trees", i);
        if (const auto [first, is_new] = seen.emplace(tree.name, i); !is_new && !tree.name.empty()) {
            add(member(at, "name"), fmt::format("\"{}\" is the name of trees[{}] already",
                                                base::escape(tree.name), first->second));
        }
        if (tree.path.empty()) continue;
        if (!system.state_dir.empty() && path_within(system.state_dir, tree.path)) {
            add(member(at, "path"), fmt::format("\"{}\" lies in state_dir \"{}\"", base::escape(tree.path),
                                                base::escape(system.state_dir)));
        }
        if (is_host_setting(tree.path)) {
            add(member(at, "path"), fmt::format("\"{}\" is a host setting, which stays this machine's own",
                                                base::escape(tree.path)));
        }
        for (std::size_t j = 0; j < system.keep_files.size(); ++j) {
            const std::string& kept = system.keep_files[j];
            if (kept.empty() || kept == "/" || !path_within(kept, tree.path)) continue;
            add(element("keep.files", j),
                fmt::format("\"{}\" holds all of tree \"{}\", which would not be migrated",
                            base::escape(kept), base::escape(tree.name)));
        }
        for (std::size_t j = 0; j < system.trees.size(); ++j) {
            const bool same_path = system.trees[j].path == tree.path;
            if (j != i && !system.trees[j].path.empty() && (!same_path || j < i)) {
                check_overlap(system.trees[j], tree, at);
            }
        }
    }
}

void DescriptionReader::check_variables(const Description& system) {
    const Hooks& hooks = system.hooks;
    if (hooks.before_backup.empty() && hooks.after_restore.empty() && hooks.before_commit.empty() &&
        hooks.after_commit.empty()) {
        return;
    }
    std::map<std::string, std::string> names;  // by variable
    const auto check = [&](const std::string& variable, const std::string& name, const std::string& at) {
        const auto [first, is_new] = names.emplace(variable, name);
        if (is_new || first->second == name) return;
        add(member(at, "name"), fmt::format("\"{}\" and \"{}\" would be the same variable for hooks, {}",
                                            base::escape(first->second), base::escape(name), variable));
    };
    for (std::size_t i = 0; i < system.databases.size(); ++i) {
        const std::string& name = system.databases[i].name;
        check(database_variable(name), name, element("databases", i));
    }
    for (std::size_t i = 0; i < system.trees.size(); ++i) {
        const std::string& name = system.trees[i].name;
        check(tree_variable(name), name, element("trees", i));
    }
}

void DescriptionReader::check_overlap(const TreeDescription& outer, const TreeDescription& inner,
                                      const std::string& at) {
    const auto within = path_within(outer.path, inner.path);
    if (!within) return;
    if (*within == ".") {
        add(member(at, "path"), fmt::format("\"{}\" is the path of tree \"{}\" already",
                                            base::escape(inner.path), base::escape(outer.name)));
        return;
    }
    tree::Rules rules;
    for (const std::string& pattern : outer.exclude) rules.exclude(pattern);
    if (rules.hides(*within, true)) return;
    add(member(at, "path"),
        fmt::format(
            "\"{}\" lies in tree \"{}\" (\"{}\"), which does not exclude it: add \"/{}\" to its exclude",
            base::escape(inner.path), base::escape(outer.name), base::escape(outer.path),
            base::escape(*within)));
}

}  // namespace ft::system
