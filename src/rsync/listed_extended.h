#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ft/base/acl.h"
#include "ft/tree/listing.h"
#include "ft/wire/extended.h"
#include "ft/wire/file_list.h"

namespace ft::rsync {

/// What a sender says of the ACLs and extended attributes of its list. Refers to the listing.
class ListedExtended {
public:
    /// Puts those of `object` into `entry`, valid until the next call.
    void describe(const base::Object& object, wire::Entry& entry);
    /// Answers a request for values of `object`.
    void answer(wire::Writer& out, const base::Object& object, const std::vector<std::int32_t>& numbers);
    /// As describe lists them.
    const wire::Xattrs& xattrs(const base::Object& object) { return parts_of(object).xattrs; }

private:
    struct Parts {
        base::Acl access{};
        base::Acl defaults{};
        wire::Xattrs xattrs{};
        std::vector<std::string_view> values{};  // of xattrs
    };
    const Parts& parts_of(const base::Object& object);

    std::unordered_map<const char*, Parts> parts_;  // by the packed text, each of which the listing has once
    base::Acl reduced_;
};

}  // namespace ft::rsync
