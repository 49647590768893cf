#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ft/base/rel_path.h"

namespace ft::tree {

/// What of a tree is not migrated: neither served by the source, nor read, changed or removed at the
/// destination. What an excluded directory holds is excluded with it.
///
/// Pattern (as in system.json, "exclude"): shell wildcards *, ?, [...] within a component, by bytes, a
/// leading dot like any other; a backslash takes the next character as it is; a component ** stands for any
/// number of components (at the end: for at least one). With a '/' at the front or in the middle it is
/// matched against the whole path, else against the last component at any depth; with a '/' at the end it
/// means directories only. Matching takes time linear in the lengths of path and pattern each, whatever the
/// pattern.
class Rules {
public:
    /// Error usage, naming the pattern, when it is empty, above 4095 bytes, or holds a NUL, a [ without its
    /// ], or a component that is empty, "." or "..".
    void exclude(const std::string& pattern);
    /// Exactly this object and what it holds; the root cannot be excluded (Error usage).
    void exclude_path(base::RelPath path);
    /// `path` itself is matched, not its parents: a scan that does not enter excluded directories needs no
    /// more.
    bool excludes(std::string_view path, bool directory) const;
    /// `path` or a directory on the way to it is excluded: for paths that come from elsewhere.
    bool hides(std::string_view path, bool directory) const;

private:
    struct Pattern {
        std::vector<std::string> components;  // one when it is not matched against the whole path
        bool whole_path = false;
        bool directory_only = false;
    };
    static bool matches(const Pattern& pattern, std::string_view path, bool directory);

    std::vector<Pattern> patterns_;
    std::vector<base::RelPath> paths_;  // sorted
};

}  // namespace ft::tree
