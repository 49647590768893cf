#include "rsync/offer.h"

#include <fmt/format.h>

#include <unordered_map>
#include <utility>

#include "ft/base/escape.h"
#include "ft/base/rel_path.h"
#include "ft/tree/scan.h"

namespace ft::rsync {

Offer::Offer(const Module& module, const Options& options)
    : module_{module}, options_{options}, top_{options.path.empty() ? "." : options.path} {
    if (!base::RelPath::fault(top_).empty()) return;  // nothing has such a path
    above_ = options.contents ? top_ : base::RelPath{top_}.parent().bytes();
}

void Offer::scan(const Listed& listed, base::Cancellation& cancellation) {
    std::unordered_map<std::size_t, std::size_t>
        firsts;  // of hard links: by position in the scan, in the list
    const auto take = [&](const tree::Item& item, std::optional<std::size_t> first) {
        const auto name = name_of(item);
        if (!name) return;
        tree::Item taken = item;
        if (!is_whole()) {
            listing_.add(*name, item.object);
            taken = listing_[listed_];
            taken.mount_point = item.mount_point;
            if (first) first = firsts.try_emplace(*first, listed_).first->second;
        }
        wire::Entry entry = entry_of(taken);
        if (first) entry.first = static_cast<std::int32_t>(*first);
        listed(entry, listed_++);
    };
    tree::Scanned scanned =
        tree::scan(*module_.root, *module_.rules, cancellation,
                   {.mounts = options_.one_file_system ? std::vector<base::RelPath>{} : module_.mounts,
                    .extended = options_.acls || options_.xattrs,
                    .on_entry = take});
    problems_ = std::move(scanned.unreadable);
    unreadable_ = scanned.unreadable_count;
    vanished_ = scanned.vanished;
    if (unreadable_ > 0) io_error_ |= wire::kIoGeneral;
    if (vanished_ > 0) io_error_ |= wire::kIoVanished;
    if (listed_ == 0) explain_emptiness(scanned.listing);
    if (is_whole()) listing_ = std::move(scanned.listing);
}

/// Nothing: the client did not ask for it.
std::optional<std::string_view> Offer::name_of(const tree::Item& item) const {
    const bool itself = item.path == top_;
    const bool below = top_ == "." || (item.path.size() > top_.size() && item.path.starts_with(top_) &&
                                       item.path[top_.size()] == '/');
    if (!itself && !below) return std::nullopt;
    if (itself && options_.contents && !item.is_directory()) return std::nullopt;
    if (itself && item.is_directory() && !options_.recurse && !options_.directories) return std::nullopt;
    if (itself && options_.contents) return ".";
    const std::string_view name = item.path.substr(above_ == "." ? 0 : above_.size() + 1);
    const bool one_level =
        options_.directories && options_.contents && name.find('/') == std::string_view::npos;
    if (!itself && !options_.recurse && !one_level) return std::nullopt;
    return name;
}

wire::Entry Offer::entry_of(const tree::Item& item) const {
    wire::Entry entry;
    entry.path = item.path;
    entry.object = item.object;
    const bool is_first = listed_ == 0;  // what was asked for by name, or "."
    entry.top = item.is_directory() && is_first;
    entry.has_content = !item.is_directory() || (options_.recurse ? !item.mount_point : is_first);
    return entry;
}

void Offer::explain_emptiness(const tree::Listing& all) {
    const auto there = base::RelPath::fault(top_).empty() ? all.find(top_) : std::nullopt;
    const std::string shown = base::escape(top_.substr(0, 1024));
    if (there && all[*there].is_directory()) {
        remarks_.push_back(fmt::format("skipping directory {}", shown));
    } else {
        problems_.push_back(
            fmt::format("{}: no such {}", shown, options_.contents ? "directory" : "file or directory"));
    }
}

std::string Offer::path_of(std::string_view name) const {
    if (name == ".") return above_;
    return above_ == "." ? std::string{name} : above_ + "/" + std::string{name};
}

}  // namespace ft::rsync
