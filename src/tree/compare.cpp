#include "ft/tree/compare.h"

#include <string>
#include <utility>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/extended.h"

namespace ft::tree {
namespace {

using Kind = Difference::Kind;

bool lies_below(std::string_view path, std::string_view directory) {
    return path.size() > directory.size() && path[directory.size()] == '/' && path.starts_with(directory);
}

/// Of two objects that are both directories or both none.
Kind difference(const base::Object& wanted, const base::Object& live) {
    if (wanted.type != live.type || wanted.link_target != live.link_target ||
        wanted.device_major != live.device_major || wanted.device_minor != live.device_minor) {
        return Kind::replaced;
    }
    base::Attributes attributes = wanted.attributes;
    if (wanted.type == base::FileType::symlink) attributes.mode = live.attributes.mode;
    if (wanted.type == base::FileType::regular &&
        (wanted.size != live.size || attributes.mtime != live.attributes.mtime)) {
        return Kind::content;
    }
    const bool same_extended = base::fits_extended(wanted.extended, live.extended);
    if (attributes == live.attributes && same_extended) return Kind::same;
    // A change of several steps of a live object cannot be taken back in one, and a new owner costs a file
    // its capabilities: it is made anew.
    const bool renewed =
        wanted.type != base::FileType::directory && (!same_extended || !wanted.extended.empty());
    return renewed ? Kind::renewed : Kind::attributes;
}

/// The merge of two sorted listings, one step a call.
class Comparison {
public:
    Comparison(const Listing& wanted, const Listing& live, const Rules& rules,
               const std::function<void(const Difference&)>& report)
        : wanted_{wanted}, live_{live}, rules_{rules}, report_{report} {}

    void run() {
        while (w_ < wanted_.size() || l_ < live_.size()) {
            const int order = next();
            if (order > 0) {
                take_live();
            } else if (rules_.excludes(wanted_[w_].path, wanted_[w_].is_directory())) {
                skip_below(wanted_, w_);
            } else {
                take_wanted(order == 0);
            }
        }
    }

private:
    int next() const {
        if (w_ == wanted_.size()) return 1;
        if (l_ == live_.size()) return -1;
        const Item wanted = wanted_[w_];
        const Item live = live_[l_];
        return compare_paths(wanted.path, wanted.is_directory(), live.path, live.is_directory());
    }

    static void skip_below(const Listing& listing, std::size_t& at) {
        const std::string_view top = listing[at++].path;
        while (at < listing.size() && lies_below(listing[at].path, top)) ++at;
    }

    void take_wanted(bool met) {
        const Item wanted = wanted_[w_];
        require_no_mount_point_above(wanted);
        if (met) {
            const Item live = live_[l_];
            if (live.mount_point) mount_point_ = live.path;
            report_({difference(wanted.object, live.object), w_++, l_++});
            return;
        }
        const auto other_kind = live_.find(wanted.path);
        if (other_kind) require_replaceable(live_[*other_kind]);
        report_({other_kind ? Kind::replaced : Kind::added, w_++, other_kind});
    }

    void take_live() {
        const Item live = live_[l_];
        const auto instead = wanted_.find(live.path);
        const bool replaced = instead && !rules_.hides(live.path, wanted_[*instead].is_directory());
        if (!replaced && live.ground) throw unwanted_mount(live);
        if (!replaced && live.pinned) {  // it stays, what it holds is looked at one by one
            ++l_;
            return;
        }
        if (!replaced) report_({Kind::removed, std::nullopt, l_});
        skip_below(live_, l_);
    }

    static base::Error unwanted_mount(const Item& live) {
        return {base::ErrorKind::unfit,
                base::escape(live.path) + ": is a mount point here, and no directory at the source",
                "Make it a directory at the source, or unmount what is mounted here."};
    }

    static void require_replaceable(const Item& live) {
        if (live.ground) throw unwanted_mount(live);
        if (!live.pinned) return;
        throw base::Error{base::ErrorKind::unfit,
                          base::escape(live.path) +
                              ": is a directory here that holds a mount point or excluded objects, and is "
                              "none at the source",
                          "Move what it holds away, or exclude it on both sides."};
    }

    void require_no_mount_point_above(const Item& wanted) const {
        if (mount_point_.empty() || !lies_below(wanted.path, mount_point_)) return;
        throw base::Error{base::ErrorKind::unfit,
                          base::escape(mount_point_) +
                              ": is a mount point here, and a directory that holds something at the source",
                          "Add it to the tree's \"mounts\" in system.json here, or exclude it."};
    }

    const Listing& wanted_;
    const Listing& live_;
    const Rules& rules_;
    const std::function<void(const Difference&)>& report_;
    std::size_t w_ = 0;
    std::size_t l_ = 0;
    std::string_view mount_point_;  // the last one that was met
};

}  // namespace

void compare(const Listing& wanted, const Listing& live, const Rules& rules,
             const std::function<void(const Difference&)>& report) {
    Comparison{wanted, live, rules, report}.run();
}

}  // namespace ft::tree
