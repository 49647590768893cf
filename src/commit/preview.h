#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "commit/plan.h"
#include "ft/commit/undo.h"

namespace ft::commit {

/// What an undo of a plan would find; reads only.
class Preview {
public:
    /// Error io or unfit when a root or its slots are missing, or the root is another directory than the
    /// plan's.
    Preview(os::Machine& machine, const std::vector<TreeRoot>& trees);

    void note_host_name(const std::string& now);
    /// `done`: what changed later was changed by others.
    UndoPreview of(const OrderedPlan& plan, const base::Timestamp& done) &&;

private:
    struct Tree {
        std::string path;  // bytes
        std::unique_ptr<const os::Directory> root;
        std::unique_ptr<const os::Directory> slots;
    };
    void look_at(const Move& move);
    /// At all below a directory that the run brought.
    void look_inside(const Tree& tree, const base::RelPath& top);
    void note_lost(const Move& move, std::string_view why);
    void note_changed(const std::string& shown, std::string_view what);
    std::string shown(const Move& move) const;
    static std::string shown(const Tree& tree, const base::RelPath& path);

    std::vector<Tree> trees_;
    base::Timestamp done_{};
    UndoPreview result_;
};

}  // namespace ft::commit
