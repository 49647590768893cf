#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ft/base/acl.h"
#include "ft/wire/reader.h"
#include "ft/wire/writer.h"

namespace ft::wire {

/// A value that is longer travels in the file list as its MD5 and its length, and is asked for.
inline constexpr std::uint32_t kLongestShortValue = 32;

/// An extended attribute as a file list has it.
struct Xattr {
    std::string name;
    std::uint32_t length = 0;            ///< bytes of the value
    std::string value{};                 ///< of a short one
    std::array<std::byte, 16> digest{};  ///< of a long one
    bool is_short() const { return length <= kLongestShortValue; }
    bool operator==(const Xattr&) const = default;
};
/// All of an object, sorted by name. Requests number them from 1.
using Xattrs = std::vector<Xattr>;

/// A value as its sender lists it.
Xattr xattr_of(std::string_view name, std::string_view value);

/// The ACLs and lists of xattrs that were sent in a session: each travels once. One for each direction.
class ExtendedEncoder {
public:
    // Null: none.
    /// Of the parts that an object's mode tells, nothing should be in `acl`. `names`: with the names that it
    /// has.
    void access_acl(Writer& out, const base::Acl* acl, bool names) { write_acl(out, acl, names, access_); }
    void default_acl(Writer& out, const base::Acl* acl, bool names) { write_acl(out, acl, names, defaults_); }
    void xattrs(Writer& out, const Xattrs* xattrs);

private:
    /// By literal, without names: the number that stands for it.
    using Table = std::unordered_map<std::string, std::int32_t>;
    void write_acl(Writer& out, const base::Acl* acl, bool names, Table& table);

    Table access_;
    Table defaults_;
    Table lists_;
};

/// Error peer for what no Linux can have, and for more than 1 GiB in a session. What is returned stays as
/// long as the decoder; null: none.
class ExtendedDecoder {
public:
    const base::Acl* access_acl(Reader& in, bool names) { return read_acl(in, names, false, access_); }
    const base::Acl* default_acl(Reader& in, bool names) { return read_acl(in, names, true, defaults_); }
    const Xattrs* xattrs(Reader& in);

private:
    using Acls = std::deque<base::Acl>;
    const base::Acl* read_acl(Reader& in, bool names, bool is_default, Acls& table);
    base::Acl read_literal(Reader& in, bool names, bool is_default);
    void count(std::uint64_t bytes);

    Acls access_;
    Acls defaults_;
    std::deque<Xattrs> lists_;
    std::uint64_t bytes_ = 0;
};

/// Which long values of a list a request asks for: numbers in it, from 1, ascending.
std::vector<std::int32_t> read_value_numbers(Reader& in, const Xattrs& of);
void write_value_numbers(Writer& out, const std::vector<std::int32_t>& numbers);
/// One of the values of an answer; `last` is the number of the one before, 0 at first. A value may have
/// changed since it was listed; at most 64 KiB.
struct SentValue {
    std::int32_t number = 0;
    std::string value;
};
void write_value(Writer& out, std::int32_t last, const SentValue& value);
/// Exactly those that were asked for. Error peer for others.
std::vector<SentValue> read_values(Reader& in, const std::vector<std::int32_t>& asked);

}  // namespace ft::wire
