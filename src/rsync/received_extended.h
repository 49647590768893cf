#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/tree/listing.h"
#include "ft/tree/owners.h"
#include "ft/wire/file_list.h"
#include "ft/wire/frames.h"
#include "ft/wire/index.h"

namespace ft::rsync {

/// The ACLs and extended attributes of a received list, until all is known of them: ids when the names have
/// come, long values when they were found here or fetched. Refers to what the list's decoder has.
class ReceivedExtended {
public:
    void note(std::size_t arrival, const wire::Entry& entry);

    /// Looks for long values among those of the live tree.
    void find_values(const tree::Listing& live);
    /// Fetches those that are still missing, before any other request. `live`: a value that changed since it
    /// was listed is taken as it came, otherwise it is Error peer.
    void fetch_values(const tree::Listing& list, bool live, wire::FrameWriter& out,
                      wire::IndexWriter& requested, wire::Reader& in, wire::IndexReader& answered);
    /// Writes all into `list`, with ids as `owners` has them. What many entries share is put together once;
    /// Error peer when that is more than 1 GiB, and 1 KiB an entry. Error cancelled.
    void settle(tree::Listing& list, const tree::OwnerMap& owners,
                const base::Cancellation& cancellation) const;

private:
    struct Parts {
        const base::Acl* access;
        const base::Acl* defaults;
        const wire::Xattrs* xattrs;
        auto operator<=>(const Parts&) const = default;
    };
    /// Length and digest of a long value.
    using Key = std::pair<std::uint32_t, std::array<std::byte, 16>>;
    static Key key_of(const wire::Xattr& xattr) { return {xattr.length, xattr.digest}; }
    std::string packed(const Parts& parts, std::uint32_t mode, const tree::OwnerMap& owners) const;

    std::vector<std::uint32_t> numbers_;  // by arrival, as far as any has one; 0: none
    std::vector<Parts> parts_;            // by number - 1
    std::map<Parts, std::uint32_t> known_;
    std::map<Key, std::optional<std::string>> values_;  // nothing: gone at the source, or not known yet
    std::set<Key> missing_;
};

}  // namespace ft::rsync
