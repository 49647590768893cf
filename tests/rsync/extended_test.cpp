#include <catch2/catch.hpp>

#include <cerrno>
#include <deque>

#include "ft/base/acl.h"
#include "ft/base/extended.h"
#include "rsync/exchange.h"
#include "rsync/received_extended.h"
#include "support/error_of.h"

using namespace ft;
using namespace ft::test;

namespace {

std::string acl_of(std::uint32_t mode, std::vector<base::Acl::Named> named) {
    base::Acl acl{.group = 5, .named = std::move(named)};
    base::set_mode(acl, mode);
    return base::to_kernel(acl);
}

TreeObject with(TreeObject object, std::vector<base::ExtendedAttribute> attributes) {
    object.extended = base::pack(std::move(attributes));
    return object;
}

const std::string kLong(300, 'L');
const std::string kOther(3000, 'O');

/// Each kind of object, with ACLs for ids `user` and `group`.
Tree extended_tree(std::uint32_t user = 70, std::uint32_t group = 80) {
    const std::vector<base::Acl::Named> named{{.id = user, .user = true, .permissions = 6},
                                              {.id = group, .permissions = 4}};
    const std::string of_file = acl_of(0664, named);
    const std::string of_directory = acl_of(0775, named);
    const std::string_view capability = "a capability, 20 b.";
    return {{".", with(directory(), {{"user.root", "r"}, {base::kDefaultAcl, of_directory}})},
            {"acl", with(file("content"), {{base::kAccessAcl, acl_of(0644, named)}})},
            {"both", with(file("both", 5, 0664), {{base::kAccessAcl, of_file}, {"user.a", kLong}})},
            {"capable", with(file("capable", 5, 0755, 3), {{"security.capability", capability}})},
            {"directory", with(directory(5, 0775), {{base::kAccessAcl, of_directory},
                                                    {base::kDefaultAcl, of_directory},
                                                    {"trusted.d", kOther}})},
            {"directory/inside", file("plain")},
            {"link", with(link("nowhere"), {{"trusted.l", kLong}})},
            {"nothing", with(file("m", 5, 0640), {{"user.e", ""}})},
            {"pipe", with(fifo(), {{"trusted.p", "p"}})},
            {"plain", file("plain")}};
}

std::size_t changes(const Exchange& exchange) {
    return exchange.changes.moves.size() + exchange.changes.settings.size();
}

}  // namespace

TEST_CASE("a pull brings ACLs and extended attributes, in any fragmentation and protocol", "[rsync]") {
    const Tree theirs = extended_tree();
    Exchange exchange{theirs, {{".", directory()}}};
    exchange.piece = GENERATE(1u, 65536u);
    const std::string number = GENERATE("30.0", "31.0", "32.0");
    exchange.to_source = exchange.to_destination = {replacing("32.0", number)};
    CHECK(exchange.run());
    CHECK(exchange.serve_error == "");
    CHECK(exchange.pull_error == "");
    CHECK(exchange.ours() == theirs);
    SECTION("nothing is changed by the next, and no value travels again") {
        CHECK(exchange.run());
        CHECK(changes(exchange) == 0);
        CHECK(exchange.said_by_source.bytes.find(std::string(100, 'L')) == std::string::npos);
    }
    SECTION("what differs by them alone is changed, with content from here") {
        Tree changed = theirs;
        const std::string acl = acl_of(0644, {{.id = 1, .user = true, .permissions = 7}});
        changed.at("acl").extended = base::pack({{base::kAccessAcl, acl}});
        changed.at("both").extended = {};
        changed.at("plain").extended = base::pack({{"user.a", kLong}});
        changed.at("capable").attributes.uid = 9;
        changed.at("directory").extended = base::pack({{"trusted.d", std::string(40, 'n')}});
        changed.at("directory/inside").extended = base::pack({{"user.i", "i"}});
        changed.at("link").extended = base::pack({{"trusted.l", "short"}});
        changed.at("pipe").extended = {};
        changed.at(".").extended = base::pack({{base::kDefaultAcl, acl}});
        write_tree(*exchange.source.open("/data"), changed);
        CHECK(exchange.run());
        CHECK(exchange.pull_error == "");
        CHECK(exchange.ours() == changed);
        CHECK(exchange.served.files_sent == 0);
        CHECK(exchange.changes.settings.size() == 2);  // directories
        CHECK(exchange.said_by_source.bytes.find(std::string(100, 'L')) == std::string::npos);
        CHECK(exchange.run());
        CHECK(changes(exchange) == 0);
    }
}

TEST_CASE("ids in ACLs are mapped by name, as owners are", "[rsync]") {
    Exchange exchange{extended_tree(), {{".", directory()}}};
    exchange.source_machine.table.users["ann"] = 70;
    exchange.source_machine.table.groups["staff"] = 80;
    exchange.destination_machine.table.users["ann"] = 170;
    exchange.destination_machine.table.groups["staff"] = 180;
    REQUIRE(exchange.run());
    CHECK(exchange.ours() == extended_tree(170, 180));
}

TEST_CASE("a label that only the destination gives is no difference", "[rsync]") {
    Tree ours{{".", directory()},
              {"d", with(directory(), {{"security.selinux", "label"}})},
              {"f", with(file("f"), {{"security.selinux", "label"}})}};
    Exchange exchange{{{".", directory()}, {"d", directory()}, {"f", file("f")}}, ours};
    REQUIRE(exchange.run());
    CHECK(changes(exchange) == 0);
}

TEST_CASE("a long value that changes while it is read is taken from a live source, else the end", "[rsync]") {
    const Tree before{{".", directory()}};
    Exchange exchange{{{".", directory()}, {"f", with(file("f"), {{"user.a", kLong}})}}, before};
    exchange.options.live = GENERATE(false, true);
    const std::string changed = std::string(200, 'X') + std::string(100, 'L');
    exchange.to_destination = {replacing(kLong, changed)};
    exchange.run();
    if (exchange.options.live) {
        CHECK(exchange.pull_error == "");
        CHECK(exchange.ours().at("f").extended == base::pack({{"user.a", changed}}));
    } else {
        CHECK(exchange.pull_error == "f: its extended attribute user.a changed while it was read");
        CHECK(exchange.ours() == before);
    }
}

TEST_CASE("FX3: a file system that refuses what the source has is found before the transfer", "[rsync]") {
    Exchange exchange{extended_tree(), {{".", directory()}}};
    exchange.destination.fail(1, "extended", EOPNOTSUPP, true);
    exchange.run();
    CHECK(exchange.pull_error_kind == base::ErrorKind::unfit);
    CHECK(
        exchange.pull_error.starts_with("/data/.ft-staging: cannot hold ACLs or extended attributes that the "
                                        "source has: .: cannot set the extended attributes"));
    CHECK(exchange.served.files_sent == 0);
    CHECK(exchange.ours() == Tree{{".", directory()}});
}

TEST_CASE("all names of an object with another ACL become names of one new object", "[rsync]") {
    Exchange exchange{{{".", directory()}, {"a", file("content")}}, {{".", directory()}}};
    const auto source = exchange.source.open("/data");
    source->link("a", *source, "b");
    source->set_attributes(".", directory().attributes);
    REQUIRE(exchange.run());
    source->set_extended("b", base::pack({{"user.a", "1"}}));
    REQUIRE(exchange.run());
    const auto ours = exchange.destination.open("/data");
    CHECK(ours->extended("a") == base::pack({{"user.a", "1"}}));
    CHECK(ours->status("a")->inode == ours->status("b")->inode);
    CHECK(exchange.served.files_sent == 0);
    REQUIRE(exchange.run());
    CHECK(changes(exchange) == 0);
}

namespace {

/// Entries of which each has one of `lists`, all of about 1 MiB of values that are here.
struct Long {
    static constexpr std::size_t kEntries = 1200;  // each with its own set: more than a tree may have
    wire::Xattrs list;
    tree::Listing listing;
    rsync::ReceivedExtended received;
    std::deque<wire::Xattrs> lists;
    MemoryDisk disk;
    MemoryMachine machine{disk};
    base::Cancellation cancellation;

    Long() {
        const std::string value = noise(base::kLongestExtendedValue);
        std::vector<base::ExtendedAttribute> here;
        static constexpr std::string_view kNames[] = {"user.0", "user.1", "user.2", "user.3", "user.4",
                                                      "user.5", "user.6", "user.7", "user.8", "user.9",
                                                      "user.A", "user.B", "user.C", "user.D", "user.E"};
        for (const std::string_view name : kNames) {
            here.push_back({name, value});
            list.push_back(wire::xattr_of(name, value));
        }
        lists.push_back(list);
        tree::Listing live;
        live.add("here", {.type = base::FileType::regular, .extended = base::pack(std::move(here))});
        for (std::size_t number = 0; number < kEntries; ++number) {
            listing.add(std::to_string(number), {.type = base::FileType::regular,
                                                 .attributes = {.mode = number % 2 == 0 ? 0644u : 0600u}});
        }
        wire::Entry first;
        first.xattrs = &lists.front();
        received.note(0, first);
        received.find_values(live);
    }
    void note(std::size_t arrival, const wire::Xattrs& xattrs) {
        wire::Entry entry;
        entry.xattrs = &xattrs;
        received.note(arrival, entry);
    }
    void settle() { received.settle(listing, tree::OwnerMap{{}, machine.table}, cancellation); }
};

}  // namespace

TEST_CASE("however many entries share a long set, it is put together once", "[rsync]") {
    Long l;
    for (std::size_t arrival = 1; arrival < Long::kEntries; ++arrival) l.note(arrival, l.lists.front());
    SECTION("in the end") {
        l.settle();
        CHECK(l.listing[0].object.extended.size() > 900'000);
        for (std::size_t index = 1; index < Long::kEntries; ++index)
            REQUIRE(l.listing[index].object.extended.data() == l.listing[0].object.extended.data());
    }
    SECTION("unless somebody interrupts") {
        l.cancellation.request("Ctrl-C");
        CHECK(error_of([&] { l.settle(); }) == "interrupted by Ctrl-C");
    }
}

TEST_CASE("a source that lists one long set again and again is refused", "[rsync]") {
    Long l;
    for (std::size_t arrival = 1; arrival < Long::kEntries; ++arrival)
        l.note(arrival, l.lists.emplace_back(l.list));
    CHECK_THROWS_WITH(l.settle(), Catch::Contains("need more than"));
}
