#include "ft/wire/extended.h"

#include <catch2/catch.hpp>

#include <string>

#include "ft/base/error.h"
#include "ft/base/extended.h"
#include "ft/wire/file_list.h"
#include "support/error_of.h"
#include "wire/decoding.h"

using namespace ft;
using wire::Writer;

namespace {

base::Bytes bytes(const std::function<void(Writer&)>& write) {
    Writer out;
    write(out);
    return out.take();
}

/// What `decode` says of the stream that `write` makes.
std::string fault(const std::function<void(Writer&)>& write,
                  const std::function<void(wire::Reader&)>& decode) {
    test::Bytes source{bytes(write)};
    wire::Reader in{source};
    return test::error_of([&] { decode(in); });
}

void read_access(wire::Reader& in) {
    wire::ExtendedDecoder decoder;
    decoder.access_acl(in, false);
}
void read_defaults(wire::Reader& in) {
    wire::ExtendedDecoder decoder;
    decoder.default_acl(in, false);
}
void read_xattrs(wire::Reader& in) {
    wire::ExtendedDecoder decoder;
    decoder.xattrs(in);
}

void put_xattr(Writer& out, std::string_view name, std::int32_t length, std::string_view value) {
    out.varint(static_cast<std::int32_t>(name.size()));
    out.varint(length);
    out.text(name);
    out.text(value);
}

constexpr std::string_view kUserA{"user.a\0", 7};

}  // namespace

TEST_CASE("each ACL and each list of attributes travels once", "[wire]") {
    const base::Acl acl{.mask = 5, .named = {{.id = 1234, .user = true, .permissions = 5}}};
    const wire::Xattrs list{wire::xattr_of("user.a", "short"),
                            wire::xattr_of("user.b", std::string(33, 'L'))};
    wire::ExtendedEncoder encoder;
    Writer out;
    const auto write = [&](const base::Acl* a, const wire::Xattrs* x) {
        out.clear();
        encoder.access_acl(out, a, false);
        encoder.xattrs(out, x);
        const std::size_t size = out.size();
        return std::pair{size, out.take()};
    };
    wire::ExtendedDecoder decoder;
    const auto read = [&](base::Bytes stream) {
        test::Bytes source{std::move(stream)};
        wire::Reader in{source};
        const base::Acl* const a = decoder.access_acl(in, false);
        const wire::Xattrs* const x = decoder.xattrs(in);
        CHECK(in.at_end());
        return std::pair{a, x};
    };
    for (const bool first : {true, false}) {
        auto [none_size, none] = write(nullptr, nullptr);
        CHECK(none_size == (first ? 4 : 2));
        CHECK(read(std::move(none)) == std::pair<const base::Acl*, const wire::Xattrs*>{});
        auto [some_size, some] = write(&acl, &list);
        CHECK((some_size == 2) == !first);
        const auto [a, x] = read(std::move(some));
        REQUIRE(a != nullptr);
        REQUIRE(x != nullptr);
        CHECK(*a == acl);
        CHECK(*x == list);
    }
}

TEST_CASE("an ACL travels without what the mode tells, and comes back whole", "[wire]") {
    const std::uint32_t mode = 02754;
    const base::Acl named{
        .user = 7, .group = 1, .mask = 5, .other = 4, .named = {{.id = 9, .permissions = 7}}};
    const base::Acl reduced = wire::reduce(named, mode);
    CHECK((!reduced.user && !reduced.other && !reduced.mask && reduced.group == 1));
    CHECK(wire::complete(reduced, mode) == named);
    const base::Acl same{
        .user = 7, .group = 5, .mask = 5, .other = 4, .named = {{.id = 9, .permissions = 7}}};
    CHECK(wire::reduce(same, mode) == base::Acl{.named = same.named});
    CHECK(wire::complete(wire::reduce(same, mode), mode) == same);
    const base::Acl masked{.user = 7, .group = 7, .mask = 5, .other = 4};
    CHECK(wire::reduce(masked, mode) == base::Acl{.group = 7, .mask = 5});
    CHECK(wire::complete(wire::reduce(masked, mode), mode) == masked);
    const base::Acl plain{.user = 7, .group = 5, .other = 4};
    CHECK(wire::reduce(plain, mode) == base::Acl{});
    // Whatever mask a sender claims, nobody gets more than the mode says.
    CHECK(wire::complete({.mask = 7, .named = named.named}, mode).mask == 5);
}

TEST_CASE("S21: hostile ACLs are refused where a number is decoded", "[wire][hostile]") {
    const auto literal = [](std::uint8_t flags, const std::vector<std::int32_t>& numbers) {
        return [=](Writer& out) {
            out.varint(0);
            out.byte(flags);
            for (const std::int32_t number : numbers) out.varint(number);
        };
    };
    CHECK(fault([](Writer& out) { out.varint(1); }, read_access) == "the number of an ACL is 1, not 0 to 0");
    CHECK(fault([](Writer& out) { out.varint(-1); }, read_access) ==
          "the number of an ACL is -1, not 0 to 0");
    CHECK(fault(literal(0x20, {}), read_access) == "the ACL flags 0x20 hold some that are not in use");
    CHECK(fault(literal(4, {8}), read_access) == "the permissions of an ACL is 8, not 0 to 7");
    CHECK(fault(literal(16, {0}), read_access) == "the number of an ACL's entries is 0, not 1 to 8187");
    CHECK(fault(literal(16, {8188}), read_access) == "the number of an ACL's entries is 8188, not 1 to 8187");
    CHECK(fault(literal(16, {1, -1, 4}), read_access).find("number of an owner") != std::string::npos);
    CHECK(fault(literal(16, {1, 7, 32}), read_access) ==
          "the permissions of an ACL's entry is 32, not 0 to 31");
    CHECK(fault(literal(16, {1, 7, 5}), read_access) ==
          "the entry of an ACL brings a name, which has no place here");
    CHECK(fault(literal(16, {2, 7, 6, 7, 2}), read_access) == "the ACL names one twice");
    CHECK(fault(literal(1, {7}), read_defaults) == "the default ACL is not complete");
    CHECK(fault(literal(27, {7, 7, 7, 1, 5, 28}), read_defaults) == "the default ACL is not complete");
}

TEST_CASE("S21: hostile lists of extended attributes are refused where a number is decoded",
          "[wire][hostile]") {
    const auto list = [](std::int32_t count, std::string_view name, std::int32_t length,
                         std::string_view value) {
        return [=](Writer& out) {
            out.varint(0);
            out.varint(count);
            put_xattr(out, name, length, value);
        };
    };
    CHECK(fault([](Writer& out) { out.varint(1); }, read_xattrs) ==
          "the number of a list of extended attributes is 1, not 0 to 0");
    CHECK(fault(list(65537, kUserA, 0, ""), read_xattrs) ==
          "the number of extended attributes is 65537, not 0 to 65536");
    CHECK(fault(list(-1, kUserA, 0, ""), read_xattrs).find("is -1") != std::string::npos);
    CHECK(fault(list(1, "", 0, ""), read_xattrs) ==
          "the length of an extended attribute's name is 0, not 2 to 256");
    CHECK(fault(list(1, std::string_view{"\0", 1}, 0, ""), read_xattrs).find("is 1, not 2") !=
          std::string::npos);
    CHECK(fault(list(1, std::string(257, 'n'), 0, ""), read_xattrs).find("is 257, not 2") !=
          std::string::npos);
    CHECK(fault(list(1, kUserA, -1, ""), read_xattrs) ==
          "the length of an extended attribute's value is -1, not 0 to 65536");
    CHECK(fault(list(1, kUserA, 65537, ""), read_xattrs).find("is 65537") != std::string::npos);
    CHECK(fault(list(1, "user.a7", 0, ""), read_xattrs) ==
          "the name of an extended attribute does not end with a NUL byte");
    CHECK(fault(list(1, std::string_view{"us\0r.a\0", 7}, 0, ""), read_xattrs) ==
          "the name of an extended attribute holds a NUL byte");
    const auto twice = [](Writer& out) {
        out.varint(0);
        out.varint(2);
        for (int i = 0; i < 2; ++i) put_xattr(out, kUserA, 1, "v");
    };
    CHECK(fault(twice, read_xattrs) == "the list of extended attributes names one twice");
    const auto too_much = [](Writer& out) {
        out.varint(0);
        out.varint(17);
        for (int i = 0; i < 17; ++i)
            put_xattr(out, "user." + std::to_string(i) + std::string(1, '\0'), 65536, std::string(16, 'd'));
    };
    CHECK(fault(too_much, read_xattrs) == "the list of extended attributes has more than 1 MiB");
}

TEST_CASE("S21: requests for values name long ones of their list, once", "[wire][hostile]") {
    const wire::Xattrs list{wire::xattr_of("user.a", "short"), wire::xattr_of("user.b", std::string(33, 'L')),
                            wire::xattr_of("user.c", std::string(34, 'M'))};
    const auto numbers = [&](const std::vector<std::int32_t>& steps) {
        return fault(
            [&](Writer& out) {
                for (const std::int32_t step : steps) out.varint(step);
            },
            [&](wire::Reader& in) { wire::read_value_numbers(in, list); });
    };
    CHECK(numbers({1, 0}) == "the request for extended attributes names a short one");
    CHECK(numbers({4, 0}) == "the request for extended attributes is 4, not 0 to 3");
    CHECK(numbers({2, 2, 0}) == "the request for extended attributes is 2, not 0 to 1");
    CHECK(numbers({2, -1, 0}) == "the request for extended attributes is -1, not 0 to 1");
    test::Bytes source{bytes([](Writer& out) { wire::write_value_numbers(out, {2, 3}); })};
    wire::Reader in{source};
    CHECK(wire::read_value_numbers(in, list) == std::vector<std::int32_t>{2, 3});
}

TEST_CASE("S21: values that come are those that were asked for", "[wire][hostile]") {
    const auto read = [](wire::Reader& in) { wire::read_values(in, {2, 3}); };
    const auto value = [](Writer& out, std::int32_t last, std::int32_t number) {
        wire::write_value(out, last, {number, std::string(40, 'v')});
    };
    CHECK(fault([&](Writer& out) { value(out, 0, 1); }, read) ==
          "the values of extended attributes are not those that were asked for");
    CHECK(fault([&](Writer& out) { value(out, 0, 2), out.varint(0); }, read) ==
          "the values of extended attributes are not those that were asked for");
    CHECK(fault([&](Writer& out) { value(out, 0, 2), value(out, 2, 3), out.varint(1); }, read) ==
          "the values of extended attributes are more than were asked for");
    CHECK(fault([&](Writer& out) { out.varint(2), out.varint(65537); }, read) ==
          "the length of an extended attribute's value is 65537, not 0 to 65536");
    test::Bytes source{bytes([&](Writer& out) { value(out, 0, 2), value(out, 2, 3), out.varint(0); })};
    wire::Reader in{source};
    CHECK(wire::read_values(in, {2, 3}).size() == 2);
    CHECK(in.at_end());
}

TEST_CASE("an ACL is the kernel's and back", "[wire]") {
    const base::Acl acl{.user = 7,
                        .group = 5,
                        .mask = 7,
                        .other = 0,
                        .named = {{.id = 3, .user = true, .permissions = 4}, {.id = 4, .permissions = 6}}};
    const std::string text = base::to_kernel(acl);
    CHECK(text.size() == 4 + 6 * 8);
    CHECK(base::from_kernel(text) == acl);
    CHECK_FALSE(base::from_kernel(text.substr(1)));
    CHECK_FALSE(base::from_kernel(text + text.substr(4, 8)));
    CHECK_FALSE(base::from_kernel(text.substr(0, text.size() - 8)));
    std::string odd = text;
    odd[6] = 8;  // permissions
    CHECK_FALSE(base::from_kernel(odd));
    CHECK(base::with_acl(04000, acl) == 04770);
}
