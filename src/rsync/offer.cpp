#include "rsync/offer.h"

#include <fmt/format.h>

#include <limits>

#include "ft/base/escape.h"
#include "ft/base/rel_path.h"
#include "ft/tree/scan.h"
#include "ft/wire/file_list.h"

namespace ft::rsync {

Offer::Offer(const Module& module, const Options& options, base::Cancellation& cancellation)
    : recursive_{options.recurse} {
    tree::Scanned scanned =
        tree::scan(*module.root, *module.rules, cancellation,
                   {.mounts = options.one_file_system ? std::vector<base::RelPath>{} : module.mounts,
                    .extended = options.acls || options.xattrs});
    problems_ = std::move(scanned.unreadable);
    unreadable_ = scanned.unreadable_count;
    vanished_ = scanned.vanished;
    if (unreadable_ > 0) io_error_ |= wire::kIoGeneral;
    if (vanished_ > 0) io_error_ |= wire::kIoVanished;
    take(std::move(scanned.listing), options);
}

void Offer::take(tree::Listing all, const Options& options) {
    const std::string top = options.path.empty() ? "." : options.path;
    const auto start = base::RelPath::fault(top).empty() ? all.find(top) : std::nullopt;
    if (!start || (options.contents && !all[*start].is_directory())) {
        problems_.push_back(fmt::format("{}: no such {}", base::escape(top.substr(0, 1024)),
                                        options.contents ? "directory" : "file or directory"));
        return;
    }
    if (all[*start].is_directory() && !options.recurse && !options.directories) {
        remarks_.push_back(fmt::format("skipping directory {}", base::escape(top.substr(0, 1024))));
        return;
    }
    const base::RelPath path{top};
    above_ = options.contents ? top : path.parent().bytes();
    if (options.recurse && path.is_root()) {
        listing_ = std::move(all);
        return;
    }
    constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
    std::vector<std::size_t> firsts(all.groups(), kNone);  // arrival positions of what is taken
    const std::size_t cut = above_ == "." ? 0 : above_.size() + 1;
    for (std::size_t index = *start; index < all.size(); ++index) {
        const tree::Item item = all[index];
        const bool itself = index == *start;
        const bool below = path.is_root() || (item.path.size() > top.size() && item.path.starts_with(top) &&
                                              item.path[top.size()] == '/');
        if (!itself && !below) break;  // what a directory holds follows it
        const std::string_view name = itself && options.contents ? "." : item.path.substr(cut);
        const bool one_level = options.contents && name.find('/') == std::string_view::npos;
        if (!itself && !options.recurse && !one_level) continue;
        listing_.add(name, item.object);
        const std::size_t arrival = listing_.size() - 1;
        if (item.mount_point) listing_.mark_mount_point(arrival);
        if (!item.linked) continue;
        std::size_t& first = firsts[*all.group(index)];
        if (first == kNone) {
            first = arrival;
        } else {
            listing_.link(arrival, first);
        }
    }
    listing_.sort();
}

std::string Offer::path_of(std::string_view name) const {
    if (name == ".") return above_;
    return above_ == "." ? std::string{name} : above_ + "/" + std::string{name};
}

bool Offer::has_content(std::size_t index) const {
    return recursive_ ? !listing_[index].mount_point : index == 0;
}

}  // namespace ft::rsync
