#include "rsync/listed_extended.h"

#include <utility>

#include "ft/base/extended.h"

namespace ft::rsync {

const ListedExtended::Parts& ListedExtended::parts_of(const base::Object& object) {
    const auto [known, is_new] = parts_.try_emplace(object.extended.data());
    Parts& parts = known->second;
    if (!is_new) return parts;
    for (const auto& [name, value] : base::unpack(object.extended)) {
        if (name == base::kAccessAcl || name == base::kDefaultAcl) {
            const auto acl = base::from_kernel(value);
            if (acl) (name == base::kAccessAcl ? parts.access : parts.defaults) = *acl;
        } else {
            parts.xattrs.push_back(wire::xattr_of(name, value));
            parts.values.push_back(value);
        }
    }
    return parts;
}

void ListedExtended::describe(const base::Object& object, wire::Entry& entry) {
    if (object.extended.empty()) return;
    const Parts& parts = parts_of(object);
    reduced_ = parts.access.is_plain() ? base::Acl{} : wire::reduce(parts.access, object.attributes.mode);
    entry.access_acl = &reduced_;
    entry.default_acl = &parts.defaults;
    entry.xattrs = &parts.xattrs;
}

void ListedExtended::answer(wire::Writer& out, const base::Object& object,
                            const std::vector<std::int32_t>& numbers) {
    std::int32_t last = 0;
    for (const std::int32_t number : numbers) {
        const auto place = static_cast<std::size_t>(number - 1);
        wire::write_value(out, std::exchange(last, number),
                          {number, std::string{parts_of(object).values[place]}});
    }
    out.varint(0);
}

}  // namespace ft::rsync
