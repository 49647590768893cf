#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "ft/staging/staging.h"
#include "ft/tree/compare.h"
#include "ft/tree/listing.h"

namespace ft::rsync {

/// What becomes of hard links. A further name for a live object would change that object before the commit.
/// So a group keeps its live object only when all its names are names of that object already; otherwise one
/// of them leads: it is staged anew, and the others follow as links to what was staged. Of several groups and
/// files that share a live object one keeps it.
///
/// The generator's, but for `lost`.
class Links {
public:
    /// Refers to all three.
    Links(const tree::Listing& wanted, const tree::Listing& live, const staging::Staging& staging);

    /// True when either side has groups: then every difference is noted before any is asked for.
    bool needed() const { return !groups_.empty() || !claims_.empty(); }
    /// Error unfit when names of one object lie on different file systems here.
    void note(const tree::Difference& difference);
    /// Error unfit when an object that is to be made has more names than its file system here gives one.
    void decide();

    /// The difference with what links make of it: content or replaced where there must be a new object
    /// (always for what is renewed), same where another name brings the new attributes.
    tree::Difference with_links(const tree::Difference& difference);
    /// True when that entry is not made by itself, but as a link to its leader.
    bool follows(std::size_t wanted) const;
    /// For a regular file that must be made anew: a wanted name under which its content lies here, by size
    /// and time, if there is one.
    std::optional<std::size_t> content_of(std::size_t wanted, const tree::Difference& before) const;
    /// Whether an object of that name is in the live tree.
    staging::Over over(std::size_t wanted) const;

    /// Receiver: a file that was asked for will not come. Another name of it to ask for instead, each once;
    /// nothing when all have been lost.
    std::optional<std::size_t> lost(std::size_t wanted);
    /// When all leaders are staged: calls `link` for each name that follows and its leader. Not for names
    /// that were lost.
    void finish(const std::function<void(std::size_t name, std::size_t leader)>& link) const;

private:
    struct Group {
        std::uint32_t names = 0;  ///< that the rules do not hide
        std::uint32_t first = 0;  ///< of these
        std::uint32_t leader = 0;
        std::uint32_t content = kNone;  ///< the first whose live file has the content
        std::uint32_t live = kNone;     ///< group in the live tree
        std::uint32_t instead = kNone;  ///< leader in place of one that vanished, as all before it
        std::uint8_t rank = 0;          ///< of the leader
        bool stays = false;             ///< all names are those of one live object
        bool gone = false;              ///< with all its names
    };
    const Group* group_of(std::size_t wanted) const;
    std::optional<std::size_t> follower_from(const Group& group, std::optional<std::size_t> name) const;
    void choose_leader(Group& group, std::size_t wanted, const tree::Difference& difference) const;

    static constexpr std::uint32_t kNone = 0xffffffff;
    static constexpr std::uint32_t kGroup = kNone - 1;

    const tree::Listing& wanted_;
    const tree::Listing& live_;
    const staging::Staging& staging_;
    std::vector<Group> groups_;          // by wanted group
    std::vector<std::uint32_t> claims_;  // by live group: the wanted file that keeps it, or kGroup
    std::vector<bool> noted_;            // by wanted position
};

}  // namespace ft::rsync
