#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

#include "ft/wire/file_list.h"
#include "wire/decoding.h"

using namespace ft;
using base::ErrorKind;
using base::FileType;
using wire::Entry;
using wire::IdName;
using wire::ListOptions;
using wire::Reader;
using wire::Writer;

namespace {

/// An entry whose texts are its own.
struct Kept {
    std::string path, target{}, user{}, group{};
    FileType type = FileType::regular;
    base::Attributes attributes;
    std::uint64_t size = 0;
    std::uint32_t major = 0, minor = 0;
    base::Digest checksum{};
    bool top = false, has_content = true;
    std::optional<std::int32_t> first{};
    bool operator==(const Kept&) const = default;

    Entry entry() const {
        return {.path = path,
                .object = {type, attributes, size, major, minor, target},
                .user = user,
                .group = group,
                .checksum = checksum,
                .top = top,
                .has_content = has_content,
                .first = first};
    }
    static Kept of(const Entry& entry) {
        const base::Object& object = entry.object;
        return {std::string{entry.path},
                std::string{object.link_target},
                std::string{entry.user},
                std::string{entry.group},
                object.type,
                object.attributes,
                object.size,
                object.device_major,
                object.device_minor,
                entry.checksum,
                entry.top,
                entry.has_content,
                entry.first};
    }
};

base::Attributes attributes(std::uint32_t mode, std::uint32_t uid, std::uint32_t gid, base::Timestamp mtime) {
    return {.mode = mode, .uid = uid, .gid = gid, .mtime = mtime};
}

/// One of everything, with the ends of every range.
std::vector<Kept> many_kinds() {
    const std::string deep(255, 'd');
    std::vector<Kept> list{
        {.path = ".", .type = FileType::directory, .attributes = attributes(0755, 0, 0, {0, 0}), .top = true},
        {.path = "a", .attributes = attributes(0644, 0, 0, {0, 0}), .size = 0},
        {.path = "a.b",
         .attributes = attributes(07777, 4294967294, 4294967294, {-1, 999'999'999}),
         .size = 700},
        {.path = "a.b.c", .attributes = attributes(0, 4294967294, 1, {INT64_MIN, 1}), .size = INT64_MAX},
        {.path = "a.b", .type = FileType::fifo, .attributes = attributes(0600, 1, 1, {INT64_MAX, 0})},
        {.path = "cons",
         .type = FileType::character_device,
         .attributes = attributes(0600, 1, 1, {5, 0}),
         .major = 5,
         .minor = 1},
        {.path = "disk",
         .type = FileType::block_device,
         .attributes = attributes(0600, 1, 1, {5, 0}),
         .major = 5,
         .minor = (1 << 20) - 1},
        {.path = "log", .type = FileType::socket, .attributes = attributes(0600, 1, 1, {5, 0})},
        {.path = "other",
         .type = FileType::character_device,
         .attributes = attributes(0600, 1, 1, {5, 0}),
         .major = 4095,
         .minor = 0},
        {.path = "link",
         .target = "/any where\n",
         .type = FileType::symlink,
         .attributes = attributes(0777, 1, 1, {5, 0}),
         .size = 11},
        {.path = "link2",
         .target = std::string(4095, 't'),
         .type = FileType::symlink,
         .attributes = attributes(0777, 1, 1, {5, 0}),
         .size = 4095},
        {.path = "mount",
         .type = FileType::directory,
         .attributes = attributes(0755, 1, 1, {5, 0}),
         .has_content = false},
        {.path = deep + "/" + deep, .attributes = attributes(0644, 1, 1, {5, 0}), .size = 1},
        {.path = deep + "/" + deep + "x", .attributes = attributes(0644, 1, 1, {5, 0}), .size = 1},
        {.path = "\xff\n\x1b", .attributes = attributes(0644, 1, 1, {5, 0}), .size = 1},
    };
    list[13].path = deep + "/" + std::string(254, 'd');  // nothing but the shared prefix and a shorter rest
    return list;
}

base::Bytes encoded(const std::vector<Kept>& list, const ListOptions& options, std::int32_t io_error = 0) {
    Writer out;
    wire::EntryEncoder encoder{options};
    for (const Kept& kept : list) encoder.write(out, kept.entry());
    encoder.write_end(out, io_error);
    return out.take();
}

std::vector<Kept> decode_list(Reader& in, const ListOptions& options) {
    std::vector<Kept> list;
    wire::EntryDecoder decoder{
        options, [&](std::int32_t first) {
            return list.at(static_cast<std::size_t>(first - options.incremental)).entry();
        }};
    while (const auto entry = decoder.next(in)) list.push_back(Kept::of(*entry));
    return list;
}

std::optional<ErrorKind> refusal_of(std::string_view hex, const ListOptions& options = {}) {
    return test::refusal(test::from_hex(hex), [&](Reader& in) { decode_list(in, options); });
}

}  // namespace

TEST_CASE("entries of every type survive both forms of flags and any fragmentation", "[wire]") {
    const auto piece = GENERATE(1u, 3u, 16u);
    const auto varint_flags = GENERATE(true, false);
    const auto protocol = GENERATE(30, 31);
    const ListOptions options{.protocol = protocol, .varint_flags = varint_flags};
    std::vector<Kept> sent = many_kinds();
    const auto read = [&](Reader& in) { return decode_list(in, options); };
    const base::Bytes bytes = encoded(sent, options);
    if (protocol == 30) {
        for (Kept& kept : sent) kept.attributes.mtime.nanoseconds = 0;  // it has none
    }
    CHECK(test::decoded(bytes, read, piece) == sent);
}

TEST_CASE("what a session has no option for is not in its entries", "[wire]") {
    const ListOptions options{
        .owners = false, .groups = false, .links = false, .devices = false, .specials = false};
    std::vector<Kept> sent = many_kinds();
    const auto read = [&](Reader& in) { return decode_list(in, options); };
    const std::vector<Kept> received = test::decoded(encoded(sent, options), read);
    for (Kept& kept : sent) {
        kept.attributes.uid = kept.attributes.gid = kept.major = kept.minor = 0;
        kept.target.clear();
        if (kept.type == FileType::symlink) kept.size = 0;
    }
    CHECK(received == sent);
}

TEST_CASE("checksums stand behind regular files only", "[wire]") {
    const ListOptions options{.checksum_bytes = 16};
    std::vector<Kept> sent = many_kinds();
    for (Kept& kept : sent) {
        if (kept.type == FileType::regular) kept.checksum = base::digest_of(base::DigestKind::md5, {});
    }
    const auto read = [&](Reader& in) { return decode_list(in, options); };
    CHECK(test::decoded(encoded(sent, options), read) == sent);
}

TEST_CASE("names of owners stand in entries of incremental recursion", "[wire]") {
    const ListOptions options{.incremental = true};
    std::vector<Kept> sent = many_kinds();
    sent[0].user = "root";
    sent[2].user = "www";
    sent[2].group = std::string(255, 'g');
    const auto read = [&](Reader& in) { return decode_list(in, options); };
    CHECK(test::decoded(encoded(sent, options), read) == sent);
    CHECK(test::refusal(encoded(sent, options), [](Reader& in) { decode_list(in, {}); }) == ErrorKind::peer);
}

namespace {

constexpr ListOptions kHardLinks{.hard_links = true};

/// Of each kind that may have several names two groups, between which others stand.
std::vector<Kept> linked_kinds() {
    std::vector<Kept> list;
    for (const Kept& kept : many_kinds()) {
        list.push_back(kept);
        if (kept.type == FileType::directory) continue;
        const auto first = static_cast<std::int32_t>(list.size() - 1);
        list.back().first = first;
        list.push_back({.path = "between", .attributes = attributes(0640, 9, 9, {9, 9}), .size = 9});
        for (const char* name : {"second", "third"}) {
            list.push_back(list[static_cast<std::size_t>(first)]);
            list.back().path = name;
        }
        list.push_back({.path = "console",
                        .type = FileType::character_device,
                        .attributes = attributes(0600, 9, 9, {9, 0}),
                        .major = 77});
        list.push_back(list[static_cast<std::size_t>(first)]);
        list.back().path = "fourth";
    }
    return list;
}

}  // namespace

TEST_CASE("further names of an object come without it, and leave what follows as it is", "[wire]") {
    ListOptions options = kHardLinks;
    options.protocol = GENERATE(30, 31);
    options.varint_flags = GENERATE(true, false);
    std::vector<Kept> sent = linked_kinds();
    const base::Bytes bytes = encoded(sent, options);
    if (options.protocol == 30) {
        for (Kept& kept : sent) kept.attributes.mtime.nanoseconds = 0;
    }
    const auto read = [&](Reader& in) { return decode_list(in, options); };
    CHECK(test::decoded(bytes, read, 3) == sent);

    ListOptions without = options;
    without.hard_links = false;
    for (Kept& kept : sent) kept.first.reset();
    CHECK(test::decoded(encoded(sent, without), [&](Reader& in) { return decode_list(in, without); }) ==
          sent);
    CHECK(bytes.size() < encoded(sent, without).size());
}

TEST_CASE("with incremental recursion what an earlier list began is sent whole", "[wire]") {
    const ListOptions options{.incremental = true, .links = true, .hard_links = true};
    Kept first{.path = "a", .attributes = attributes(0644, 0, 0, {1, 0}), .size = 5, .first = 1};
    Kept second = first;
    second.path = "d/b";
    Kept third{.path = "d/c", .attributes = attributes(0600, 0, 0, {2, 0}), .size = 6, .first = 4};
    Kept fourth = third;
    fourth.path = "d/e";
    Writer out;
    wire::EntryEncoder encoder{options};
    encoder.write(out, first.entry());
    encoder.write_end(out, 0);
    const std::size_t whole = out.size();
    encoder.write(out, second.entry());
    CHECK(out.size() == whole + 10);  // three of them the size
    encoder.write(out, third.entry());
    encoder.write(out, fourth.entry());
    encoder.write_end(out, 0);
    test::Bytes source{out.take()};
    Reader in{source};
    std::map<std::int32_t, Kept> firsts{{1, first}, {4, third}};
    wire::EntryDecoder decoder{options, [&](std::int32_t number) { return firsts.at(number).entry(); }};
    CHECK(Kept::of(*decoder.next(in)) == first);
    CHECK(!decoder.next(in));
    for (const Kept* kept : {&second, &third, &fourth}) CHECK(Kept::of(*decoder.next(in)) == *kept);
    CHECK(!decoder.next(in));
    CHECK(in.at_end());
}

TEST_CASE("an illegal hard link is refused", "[wire]") {
    const std::string rest = "00000000000001a48100000000";  // size, time, mode, uid, gid: of a file
    const std::string first = "92040161" + rest;            // a, the first of a group
    CHECK(refusal_of(first + "82040162000000", kHardLinks) == std::nullopt);
    const auto [wrong, what] = GENERATE_COPY(table<std::string, std::string>({
        {first + "8204016201", "a further name of itself"},
        {first + "8204016202", "of what is not there yet"},
        {first + "82040162f0ffffffff", "of a number below 0"},
        {"8204016200", "before any first one"},
        {"040161" + rest + "8204016200", "of what is in no group"},
        {first + "82040162008204016301", "of a further name"},
        {"9204016100000000000001ed4100000000", "a directory as the first"},
        {"90040161" + rest, "a first name that is in no group"},
    }));
    INFO(what);
    CHECK(refusal_of(wrong, kHardLinks) == ErrorKind::peer);
}

TEST_CASE("a damaged list with hard links ends in an error or in values", "[wire]") {
    ListOptions options = kHardLinks;
    options.varint_flags = GENERATE(true, false);
    std::vector<Kept> list = linked_kinds();
    list.resize(20);
    test::damage(encoded(list, options), [&](Reader& in) { decode_list(in, options); });
}

TEST_CASE("the end of a list carries the I/O error in each form that has one", "[wire]") {
    const auto [options, hex, io_error] = GENERATE(table<ListOptions, const char*, std::int32_t>({
        {{}, "0000", 0},
        {{}, "0003", 3},
        {{.varint_flags = false}, "00", 0},
        {{.varint_flags = false}, "041003", 3},
        {{.protocol = 30, .varint_flags = false}, "041003", 3},
        {{.protocol = 30, .varint_flags = false, .safe_end = false}, "00", 0},
    }));
    CHECK(encoded({}, options, io_error) == test::from_hex(hex));
    test::Bytes source{test::from_hex(hex)};
    Reader in{source};
    wire::EntryDecoder decoder{options};
    CHECK(!decoder.next(in).has_value());
    CHECK(decoder.io_error() == io_error);
    CHECK(in.at_end());
}

TEST_CASE("an end of a list that its session does not have is refused", "[wire]") {
    CHECK(encoded({}, {.protocol = 30, .varint_flags = false, .safe_end = false}, 1) == test::from_hex("00"));
    CHECK(refusal_of("041001", {.protocol = 30, .varint_flags = false, .safe_end = false}) ==
          ErrorKind::peer);
    CHECK(refusal_of("0008") == ErrorKind::peer);
}

TEST_CASE("an entry without flags is told apart from the end of the list", "[wire]") {
    // Mode, owners, time and name all differ from those before.
    Kept file{.path = "x", .attributes = attributes(0644, 1, 1, {1, 0})};
    Kept directory{.path = "x", .type = FileType::directory, .attributes = attributes(0755, 1, 1, {1, 0})};
    const ListOptions bytes{.varint_flags = false};
    CHECK(encoded({file}, {}).front() == std::byte{4});
    CHECK(encoded({file}, bytes).front() == std::byte{1});
    CHECK(encoded({directory}, bytes).front() == std::byte{4});
    CHECK(encoded({directory}, bytes)[1] == std::byte{0});
}

TEST_CASE("an illegal entry is refused", "[wire]") {
    // flags, [shared], length, name, size, time, mode, uid, gid
    const std::string rest =
        "000000"
        "00000001"
        "a4810000"
        "00"
        "00";
    CHECK(refusal_of("04"
                     "01"
                     "61" +
                     rest + "0000") == std::nullopt);
    const auto* wrong = GENERATE(
        "20"
        "01"
        "01"
        "61",  // a prefix of the first name
        "04"
        "00",  // no name
        "04"
        "02"
        "2e2e",
        "04"
        "02"
        "2f61",
        "04"
        "02"
        "612f",  // .., /a, a/
        "04"
        "03"
        "610062",
        "04"
        "04"
        "612f2f62",  // NUL, a//b
        "04"
        "05"
        "612f2e2e2f",  // a/../
        "40"
        "a000",  // 8192 bytes
        "04"
        "01"
        "61"
        "fcffffffffffffffff",  // size -1
        "8200"
        "01"
        "61",  // hard link
        "9000"
        "01"
        "61",  // hard link, first
        "8400"
        "01"
        "61",
        "8800"
        "01"
        "61",  // names of owners
        "c00040"
        "01"
        "61",
        "c10000"
        "01"
        "61",  // access time, beyond
        "a004"
        "01"
        "61"
        "000000"
        "00000001"
        "f000ca9a3b",  // 10^9 nanoseconds
        "02"
        "01"
        "61"
        "000000"
        "00000001"
        "00"
        "00",  // the mode before the first
        "04"
        "01"
        "61"
        "000000"
        "00000001"
        "a4010000",  // no type
        "04"
        "01"
        "61"
        "000000"
        "00000001"
        "a4810100",  // above 16 bits
        "04"
        "01"
        "61"
        "000000"
        "00000001"
        "a4810000"
        "f0ffffffff",  // uid 2^32 - 1
        "04"
        "01"
        "61"
        "000000"
        "00000001"
        "a4810000"
        "00"
        "f0ffffffff",  // gid 2^32 - 1
        "8100"
        "01"
        "61"
        "000000"
        "00000001"
        "a4810000"
        "00"
        "00",  // a file's device number
        "04"
        "01"
        "2e"
        "000000"
        "00000001"
        "a4810000"
        "00"
        "00",  // a root that is a file
        "04"
        "01"
        "61"
        "000100"
        "00000001"
        "a4110000"
        "00"
        "00",  // a fifo with a size
        "04"
        "01"
        "61"
        "000000"
        "00000001"
        "ffa10000"
        "00"
        "00"
        "00",  // a link to nothing
        "04"
        "01"
        "61"
        "000000"
        "00000001"
        "ffa10000"
        "00"
        "00"
        "9000",  // a target of 4096 bytes
        "04"
        "01"
        "61"
        "000000"
        "00000001"
        "ffa10000"
        "00"
        "00"
        "01"
        "00",  // a target with NUL
        "04"
        "01"
        "61"
        "000000"
        "00000001"
        "a4210000"
        "00"
        "00"
        "9000"
        "00",  // major 4096
        "04"
        "01"
        "61"
        "000000"
        "00000001"
        "a4210000"
        "00"
        "00"
        "00"
        "d00000");  // minor 2^20
    INFO(wrong);
    CHECK(refusal_of(wrong) == ErrorKind::peer);
}

TEST_CASE("a damaged list ends in an error or in values", "[wire]") {
    const auto varint_flags = GENERATE(true, false);
    const ListOptions options{.varint_flags = varint_flags};
    std::vector<Kept> list = many_kinds();
    list.resize(10);
    test::damage(encoded(list, options), [&](Reader& in) { decode_list(in, options); });
}

TEST_CASE("lists of owners come back, the name of id 0 in its place", "[wire]") {
    const std::vector<IdName> sent{{1000, "anna"}, {4294967294, std::string(255, 'x')}, {0, "root"}};
    Writer out;
    wire::write_ids(out, sent, {});
    const auto read = [](Reader& in) { return wire::read_ids(in, {}); };
    CHECK(test::decoded(out.written(), read, 3) == sent);
    test::damage(out.written(), read);

    const ListOptions old{.id0_names = false};
    Writer short_out;
    wire::write_ids(short_out, sent, old);
    const auto received =
        test::decoded(short_out.written(), [&](Reader& in) { return wire::read_ids(in, old); });
    CHECK(received == std::vector<IdName>{sent[0], sent[1]});
}

TEST_CASE("illegal lists of owners are refused", "[wire]") {
    const auto* wrong = GENERATE(
        "01"
        "00",
        "01"
        "013a",
        "01"
        "012f",
        "01"
        "010a",
        "01"
        "017f",
        "f0ffffffff",
        "01"
        "0161"
        "01"
        "0162"
        "00"
        "00",
        "00"
        "0100");
    INFO(wrong);
    CHECK(test::refusal(test::from_hex(wrong), [](Reader& in) { wire::read_ids(in, {}); }) ==
          ErrorKind::peer);
}

TEST_CASE("id lists exist with whole lists and names only", "[wire]") {
    CHECK(wire::has_id_lists({}));
    CHECK(!wire::has_id_lists({.incremental = true}));
    CHECK(!wire::has_id_lists({.numeric_ids = true}));
}
