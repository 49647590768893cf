#include "ft/wire/extended.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ft/base/digest.h"
#include "ft/base/extended.h"
#include "wire/id_names.h"

namespace ft::wire {
namespace {

enum AclFlags : std::uint8_t { kUser = 1, kGroup = 2, kMask = 4, kOther = 8, kNamed = 16 };

constexpr std::int32_t kHasName = 1;
constexpr std::int32_t kIsUser = 2;
constexpr std::int32_t kMostPermissions = 7;
constexpr std::int32_t kMostNamed = 8187;  // with four others, what an attribute of 64 KiB holds
constexpr std::int32_t kMostXattrs = 65536;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;

void write_literal(Writer& out, const base::Acl& acl, bool names) {
    std::uint8_t flags = acl.named.empty() ? 0 : kNamed;
    const std::pair<std::optional<std::uint8_t>, AclFlags> parts[] = {
        {acl.user, kUser}, {acl.group, kGroup}, {acl.mask, kMask}, {acl.other, kOther}};
    for (const auto& [part, flag] : parts) flags |= part ? flag : 0;
    out.byte(flags);
    for (const auto& [part, flag] : parts) {
        if (part) out.varint(*part);
    }
    if (acl.named.empty()) return;
    out.varint(static_cast<std::int32_t>(acl.named.size()));
    for (const base::Acl::Named& each : acl.named) {
        const bool named = names && !each.name.empty();
        out.varint(static_cast<std::int32_t>(each.id));
        out.varint(each.permissions << 2 | (each.user ? kIsUser : 0) | (named ? kHasName : 0));
        if (named) write_id_name(out, each.name);
    }
}

void write_literal(Writer& out, const Xattrs& xattrs) {
    out.varint(static_cast<std::int32_t>(xattrs.size()));
    for (const Xattr& each : xattrs) {
        out.varint(static_cast<std::int32_t>(each.name.size() + 1));
        out.varint(static_cast<std::int32_t>(each.length));
        out.text(each.name);
        out.byte(0);
        if (each.is_short()) {
            out.text(each.value);
        } else {
            out.bytes(each.digest);
        }
    }
}

/// Writes the number that `table` has for `key`; false when it is new, and a literal must follow.
bool write_known(Writer& out, std::unordered_map<std::string, std::int32_t>& table, const Writer& key) {
    const auto next = static_cast<std::int32_t>(table.size()) + 1;
    const auto [known, is_new] = table.try_emplace(std::string{base::as_text(key.written())}, next);
    out.varint(is_new ? 0 : known->second);
    return !is_new;
}

Xattr read_xattr(Reader& in) {
    constexpr std::string_view kName = "name of an extended attribute";
    Xattr xattr;
    const std::int32_t with_nul =
        in.varint("length of an extended attribute's name", 2, base::kLongestExtendedName + 1);
    xattr.length = static_cast<std::uint32_t>(
        in.varint("length of an extended attribute's value", 0, base::kLongestExtendedValue));
    xattr.name = in.text(kName, static_cast<std::size_t>(with_nul - 1));
    if (xattr.name.find('\0') != std::string::npos) throw malformed(kName, "holds a NUL byte");
    if (in.byte(kName) != 0) throw malformed(kName, "does not end with a NUL byte");
    if (xattr.is_short()) {
        xattr.value = in.text("value of an extended attribute", xattr.length);
    } else {
        in.bytes("digest of an extended attribute", xattr.digest);
    }
    return xattr;
}

void require_each_once(const Xattrs& xattrs) {
    std::vector<std::string_view> names;
    for (const Xattr& each : xattrs) names.emplace_back(each.name);
    std::sort(names.begin(), names.end());
    if (std::adjacent_find(names.begin(), names.end()) != names.end())
        throw malformed("list of extended attributes", "names one twice");
}

}  // namespace

Xattr xattr_of(std::string_view name, std::string_view value) {
    Xattr xattr{.name = std::string{name}, .length = static_cast<std::uint32_t>(value.size())};
    if (xattr.is_short()) {
        xattr.value = value;
    } else {
        const base::Digest digest = base::digest_of(base::DigestKind::md5, base::as_bytes(value));
        std::copy(digest.bytes().begin(), digest.bytes().end(), xattr.digest.begin());
    }
    return xattr;
}

void ExtendedEncoder::write_acl(Writer& out, const base::Acl* acl, bool names, Table& table) {
    static const base::Acl kNone;
    const base::Acl& written = acl == nullptr ? kNone : *acl;
    Writer key;
    write_literal(key, written, false);
    if (!write_known(out, table, key)) write_literal(out, written, names);
}

void ExtendedEncoder::xattrs(Writer& out, const Xattrs* xattrs) {
    Writer literal;
    write_literal(literal, xattrs == nullptr ? Xattrs{} : *xattrs);
    if (!write_known(out, lists_, literal)) out.bytes(literal.written());
}

void ExtendedDecoder::count(std::uint64_t bytes) {
    bytes_ += bytes;
    if (bytes_ > kMostBytes) throw malformed("ACLs and extended attributes", "need more than 1 GiB");
}

const base::Acl* ExtendedDecoder::read_acl(Reader& in, bool names, bool is_default, Acls& table) {
    const auto known = static_cast<std::int32_t>(table.size());
    const std::int32_t number = in.varint("number of an ACL", 0, known);
    if (number == 0) table.push_back(read_literal(in, names, is_default));
    const base::Acl& acl = number == 0 ? table.back() : table[static_cast<std::size_t>(number - 1)];
    return acl == base::Acl{} ? nullptr : &acl;
}

base::Acl ExtendedDecoder::read_literal(Reader& in, bool names, bool is_default) {
    base::Acl acl;
    const std::uint8_t flags = in.byte("ACL flags");
    constexpr std::uint8_t kKnown = kUser | kGroup | kMask | kOther | kNamed;
    if ((flags & ~kKnown) != 0)
        throw malformed("ACL flags", fmt::format("0x{:x} hold some that are not in use", flags));
    const auto part = [&](std::optional<std::uint8_t>& place, AclFlags flag) {
        if ((flags & flag) != 0)
            place = static_cast<std::uint8_t>(in.varint("permissions of an ACL", 0, kMostPermissions));
    };
    part(acl.user, kUser);
    part(acl.group, kGroup);
    part(acl.mask, kMask);
    part(acl.other, kOther);
    const std::int32_t entries =
        (flags & kNamed) != 0 ? in.varint("number of an ACL's entries", 1, kMostNamed) : 0;
    for (std::int32_t i = 0; i < entries; ++i) {
        base::Acl::Named& named = acl.named.emplace_back();
        named.id = read_id(in);
        const std::int32_t mixed = in.varint("permissions of an ACL's entry", 0, kMostPermissions << 2 | 3);
        named.user = (mixed & kIsUser) != 0;
        named.permissions = static_cast<std::uint8_t>(mixed >> 2);
        if ((mixed & kHasName) == 0) continue;
        if (!names) throw malformed("entry of an ACL", "brings a name, which has no place here");
        named.name = read_id_name(in);
    }
    std::vector<std::pair<bool, std::uint32_t>> ids;
    for (const base::Acl::Named& each : acl.named) ids.emplace_back(each.user, each.id);
    std::sort(ids.begin(), ids.end());
    if (std::adjacent_find(ids.begin(), ids.end()) != ids.end()) throw malformed("ACL", "names one twice");
    if (is_default && flags != 0 && (!acl.user || !acl.group || !acl.other || (entries > 0 && !acl.mask)))
        throw malformed("default ACL", "is not complete");
    count(sizeof acl + acl.named.size() * sizeof(base::Acl::Named));
    return acl;
}

const Xattrs* ExtendedDecoder::xattrs(Reader& in) {
    const auto known = static_cast<std::int32_t>(lists_.size());
    const std::int32_t number = in.varint("number of a list of extended attributes", 0, known);
    if (number > 0) {
        const Xattrs& list = lists_[static_cast<std::size_t>(number - 1)];
        return list.empty() ? nullptr : &list;
    }
    Xattrs list;
    const std::int32_t entries = in.varint("number of extended attributes", 0, kMostXattrs);
    std::size_t total = 0;
    for (std::int32_t i = 0; i < entries; ++i) {
        list.push_back(read_xattr(in));
        const Xattr& xattr = list.back();
        total += xattr.name.size() + xattr.length;
        if (total > base::kMostExtended)
            throw malformed("list of extended attributes", "has more than 1 MiB");
        count(sizeof xattr + xattr.name.size() + xattr.length);  // a long value comes later
    }
    require_each_once(list);
    count(sizeof list);
    lists_.push_back(std::move(list));
    return lists_.back().empty() ? nullptr : &lists_.back();
}

std::vector<std::int32_t> read_value_numbers(Reader& in, const Xattrs& of) {
    const auto most = static_cast<std::int32_t>(of.size());
    std::vector<std::int32_t> numbers;
    std::int32_t last = 0;
    while (const std::int32_t step = in.varint("request for extended attributes", 0, most - last)) {
        last += step;
        if (of[static_cast<std::size_t>(last - 1)].is_short())
            throw malformed("request for extended attributes", "names a short one");
        numbers.push_back(last);
    }
    return numbers;
}

void write_value_numbers(Writer& out, const std::vector<std::int32_t>& numbers) {
    std::int32_t last = 0;
    for (const std::int32_t number : numbers) out.varint(number - std::exchange(last, number));
    out.varint(0);
}

void write_value(Writer& out, std::int32_t last, const SentValue& value) {
    out.varint(value.number - last);
    out.varint(static_cast<std::int32_t>(value.value.size()));
    out.text(value.value);
}

std::vector<SentValue> read_values(Reader& in, const std::vector<std::int32_t>& asked) {
    constexpr std::string_view kField = "values of extended attributes";
    std::vector<SentValue> values;
    std::int32_t last = 0;
    for (const std::int32_t number : asked) {
        if (in.varint(kField) != number - last) throw malformed(kField, "are not those that were asked for");
        last = number;
        const std::int32_t length =
            in.varint("length of an extended attribute's value", 0, base::kLongestExtendedValue);
        values.push_back({number, in.text(kField, static_cast<std::size_t>(length))});
    }
    if (in.varint(kField) != 0) throw malformed(kField, "are more than were asked for");
    return values;
}

}  // namespace ft::wire
