#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ft/base/entry.h"
#include "ft/base/rel_path.h"

namespace ft::tree {

/// An entry of a listing; its texts belong to the listing.
struct Item {
    std::string_view path;
    base::Object object;
    /// A directory that holds something excluded or a mount point, at any depth, or is a mount point: it can
    /// be neither removed nor replaced.
    bool pinned = false;
    /// Something is mounted here that is not part of the tree: what it holds is not listed.
    bool mount_point = false;
    /// A file system is mounted here that is part of the tree.
    bool ground = false;
    bool linked = false;  ///< a name of a group (hard links)
    bool is_directory() const { return object.type == base::FileType::directory; }
};

struct Totals {
    std::uint64_t entries = 0;
    std::uint64_t files = 0;  ///< regular ones
    std::uint64_t directories = 0;
    std::uint64_t bytes = 0;  ///< of regular files
    bool operator==(const Totals&) const = default;
};

/// All objects of a tree, compact (about 60 bytes an entry and its path, 16 more for a name of a group),
/// filled once and then only read, by any thread. The root itself is the entry ".". ACLs and extended
/// attributes take no room but once for all objects that have the same.
///
/// A group are all names of one object that has more than one in the listing (hard links); groups are
/// numbered from 0.
///
/// Sorted as the rsync protocol sorts a file list (docs/protocol.md, "File list"): in a directory first
/// everything that is no directory, by bytes, then each directory, by its bytes with a '/' behind, directly
/// followed by what lies below it; "." before all.
class Listing {
public:
    /// Appends an entry; `path` must be a RelPath's bytes. The texts are copied. Error unfit above 2^31-1
    /// entries: the protocol cannot number more; and above 1 GiB of different extended attributes.
    void add(std::string_view path, const base::Object& object, bool pinned = false);
    /// Changes the marks, owner or group of an entry by arrival position.
    void pin(std::size_t arrival);
    void mark_mount_point(std::size_t arrival);  ///< pins it too
    void mark_ground(std::size_t arrival);       ///< pins it too
    void set_owner(std::size_t arrival, std::uint32_t uid, std::uint32_t gid);
    void set_extended(std::size_t arrival, std::string_view packed);
    /// The same set as the entry `with`, by arrival position.
    void share_extended(std::size_t arrival, std::size_t with);
    /// `arrival` is a further name of what arrived as `first`, itself no further name.
    void link(std::size_t arrival, std::size_t first);
    /// Brings the entries into protocol order, stable, and numbers the groups.
    void sort();
    /// Error peer unless this is a tree: sorted, "." a directory and first, every name once (as directory or
    /// not), every parent a listed directory. Only entries of what a peer sent need it.
    void require_tree() const;

    std::size_t size() const { return order_.size(); }
    bool empty() const { return order_.empty(); }
    /// By sorted position (arrival position before sort).
    Item operator[](std::size_t index) const;
    /// The entry's place in the order of arrival.
    std::size_t arrival(std::size_t index) const { return order_[index]; }
    /// Sorted position of the object of that name, whatever its type; O(log n). Only after sort.
    std::optional<std::size_t> find(std::string_view path) const;
    // Of groups; only after sort:
    std::size_t groups() const { return firsts_.size(); }
    /// The group of the entry at a sorted position, if it has one; O(log n) of all names of groups.
    std::optional<std::size_t> group(std::size_t index) const;
    /// Sorted position of a group's first name, and of the one that follows a name of it.
    std::size_t first_of(std::size_t group) const { return firsts_[group]; }
    std::optional<std::size_t> next_of(std::size_t index) const;
    Totals totals() const;
    /// Calls `visit` with the packed extended attributes that occur, each once.
    void for_each_extended(const std::function<void(std::string_view)>& visit) const;
    /// Bytes of memory held, room for further entries included.
    std::size_t memory() const;

private:
    struct Record;
    const Record& record(std::size_t arrival) const;
    Record& record(std::size_t arrival);
    std::string_view text(std::uint64_t place, std::size_t length) const;
    std::uint64_t keep(std::string_view a, std::string_view b);
    std::string_view path_at(std::size_t index) const;
    bool is_directory_at(std::size_t index) const;
    std::optional<std::size_t> find(std::string_view path, bool directory) const;
    std::uint32_t keep_extended(std::string_view packed);
    struct Link;
    const Link* link_at(std::size_t index) const;
    void sort_links();

    std::deque<std::vector<Record>> records_;    // blocks of equal length: growing copies nothing
    std::deque<std::unique_ptr<char[]>> texts_;  // blocks; a text never crosses one
    std::size_t text_used_ = 0;                  // bytes of the last block
    std::vector<std::uint32_t> order_;           // sorted position -> arrival position
    std::vector<Link> links_;                    // after sort: of each name of a group, by position
    std::vector<std::uint32_t> firsts_;          // of each group
    std::deque<std::string> extended_;           // each that occurs; number 0 of a record is none
    std::unordered_map<std::string_view, std::uint32_t> extended_numbers_;  // from 1
    std::size_t extended_bytes_ = 0;

public:
    Listing();
    ~Listing();
    Listing(Listing&&) noexcept;
    Listing& operator=(Listing&&) noexcept;
};

/// Protocol order of two paths; `a_directory` and `b_directory` say what the last component is.
/// Negative, 0 or positive.
int compare_paths(std::string_view a, bool a_directory, std::string_view b, bool b_directory);

}  // namespace ft::tree
