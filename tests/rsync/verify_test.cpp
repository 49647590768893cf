#include <catch2/catch.hpp>

#include "ft/base/extended.h"
#include "rsync/exchange.h"

using namespace ft;
using namespace ft::test;

namespace {

/// A pull that compares content.
struct Verifying : Exchange {
    Verifying(const Tree& theirs, const Tree& ours) : Exchange{theirs, ours} {
        options.verify_content = true;
    }
};

std::string changed(std::string content, std::size_t at) {
    content[at] = static_cast<char>(content[at] ^ 1);
    return content;
}

/// Frames of a side that carry nothing: each is a write of its own.
std::size_t signs_of_life(const Said& said) {
    constexpr std::string_view kEmptyFrame{"\0\0\0\7", 4};
    std::size_t count = 0;
    for (std::size_t i = 0; i < said.after.size(); ++i) {
        const std::size_t begin = said.after[i].first;
        const std::size_t end = i + 1 < said.after.size() ? said.after[i + 1].first : said.bytes.size();
        count += std::string_view{said.bytes}.substr(begin, end - begin) == kEmptyFrame ? 1 : 0;
    }
    return count;
}

}  // namespace

TEST_CASE("with content verified, only what differs is fetched, whatever size and time say", "[rsync]") {
    const std::string big = noise(100'000);
    Verifying exchange{{{".", directory()},
                        {"damaged", file(big, 5)},
                        {"older", file(noise(50'000, 2), 5)},
                        {"same", file("same", 5)},
                        {"empty", file("", 5)},
                        {"new", file("new", 5)},
                        {"longer", file("longer", 5)}},
                       {{".", directory()},
                        {"damaged", file(changed(big, 70'000), 5)},
                        {"older", file(noise(50'000, 2), 4)},
                        {"same", file("same", 5)},
                        {"empty", file("", 5)},
                        {"longer", file("long", 5)},
                        {"gone", file("gone", 5)}}};
    REQUIRE(exchange.run());
    CHECK(exchange.ours() == exchange.theirs());
    CHECK(exchange.served.files_sent == 3);
    CHECK(exchange.pulled.verified_files == 5);
    CHECK(exchange.pulled.differing_files == 1);
    CHECK(exchange.pulled.bytes_literal < 1000);
    CHECK(exchange.changes.settings.size() >= 1);  // the time of "older"
    REQUIRE(exchange.run());
    CHECK(exchange.served.files_sent == 0);
    CHECK(exchange.pulled.differing_files == 0);
}

TEST_CASE("by size and time alone, damage of one side stays", "[rsync]") {
    Exchange exchange{{{".", directory()}, {"damaged", file("content", 5)}},
                      {{".", directory()}, {"damaged", file("c0ntent", 5)}}};
    REQUIRE(exchange.run());
    CHECK(exchange.served.files_sent == 0);
    CHECK(exchange.ours() != exchange.theirs());
    CHECK(exchange.pulled.verified_files == 0);
}

TEST_CASE("names that become links of what is here at another time cost no content", "[rsync]") {
    const std::string content = noise(30'000);
    Verifying exchange{{{".", directory()}, {"a", file(content, 5)}},
                       {{".", directory()}, {"a", file(content, 4)}, {"b", file(content, 3)}}};
    exchange.source.open("/data")->link("a", *exchange.source.open("/data"), "b");
    exchange.source.open("/data")->set_attributes(".", directory().attributes);
    REQUIRE(exchange.run());
    CHECK(exchange.ours() == exchange.theirs());
    CHECK(exchange.served.files_sent == 0);
    CHECK(exchange.destination.open("/data")->status("a")->links >= 2);
}

TEST_CASE("what an earlier run staged is only adopted when the source still has that content", "[rsync]") {
    const bool same = GENERATE(true, false);
    const std::string staged = noise(5000);
    Exchange exchange{{{".", directory()}, {"a", file(same ? staged : changed(staged, 7), 5)}},
                      {{".", directory()}}};
    exchange.options.verify_content = true;
    const auto live = exchange.destination.open("/data");
    {
        staging::Staging earlier{*live, staging::open_reserved(*live), {}, "origin"};
        const auto slot = earlier.create_file(base::RelPath{"a"}, staging::Over::nothing,
                                              base::DigestKind::xxh128, nullptr);
        slot->append(base::as_bytes(staged));
        slot->finish(file("", 5).attributes);
    }
    exchange.origin = "origin";
    REQUIRE(exchange.run());
    CHECK(exchange.pulled.adopted_files == (same ? 1 : 0));
    CHECK(exchange.ours().at("a") == exchange.theirs().at("a"));
}

TEST_CASE("content is compared where extended attributes differ too", "[rsync]") {
    const std::string content = noise(3000);
    test::TreeObject theirs = file(content, 5);
    theirs.extended = base::pack({{"user.a", "new"}});
    Verifying exchange{{{".", directory()}, {"a", theirs}},
                       {{".", directory()}, {"a", file(changed(content, 7), 5)}}};
    REQUIRE(exchange.run());
    CHECK(exchange.ours() == exchange.theirs());
    CHECK(exchange.pulled.differing_files == 1);
}

TEST_CASE(
    "a file with extended attributes and another time is made anew: a change of owner would take "
    "capabilities",
    "[rsync]") {
    test::TreeObject theirs = file(noise(3000), 5);
    theirs.extended = base::pack({{"security.capability", "c"}});
    test::TreeObject ours = theirs;
    ours.attributes.mtime.seconds = 4;
    Verifying exchange{{{".", directory()}, {"a", theirs}}, {{".", directory()}, {"a", ours}}};
    REQUIRE(exchange.run());
    CHECK(exchange.ours() == exchange.theirs());
    CHECK(exchange.changes.settings.size() == 1);  // the root's time
    CHECK(exchange.changes.moves.size() == 1);
    CHECK(exchange.pulled.differing_files == 0);
    CHECK(exchange.served.bytes_literal == 0);
}

TEST_CASE("a file that the source cannot hash is asked for, and ends the pull with the source's words",
          "[rsync]") {
    Verifying exchange{{{".", directory()}, {"a", file("a")}}, {{".", directory()}, {"a", file("a")}}};
    exchange.source.fail(1, "read", EIO, true);
    exchange.run();
    INFO(exchange.pull_error);
    CHECK(exchange.pull_error.starts_with("the source could not read everything: /data/a: "));
    CHECK(exchange.ours() == Tree{{".", directory()}, {"a", file("a")}});
}

TEST_CASE("a file here that cannot be read ends the pull before anything is staged", "[rsync]") {
    Verifying exchange{{{".", directory()}, {"a", file("a")}}, {{".", directory()}, {"a", file("b")}}};
    exchange.destination.fail(1, "read", EIO, true);
    exchange.run();
    CHECK(exchange.pull_error_kind == base::ErrorKind::io);
    CHECK(exchange.served.files_sent == 0);
}

TEST_CASE("a source that hashes many files shows life", "[rsync]") {
    const bool many = GENERATE(false, true);
    const int count = many ? 200 : 3;
    const std::uint64_t size = many ? 1 : 30 * 1024 * 1024;
    Verifying exchange{{{".", directory()}}, {{".", directory()}}};
    for (MemoryDisk* disk : {&exchange.source, &exchange.destination}) {
        const auto root = disk->open("/data");
        for (int number = 0; number < count; ++number) {
            const auto made = root->create_file(std::to_string(number));
            made->set_size(size);
            made->set_attributes({0644, 0, 0, {5, 0}});
        }
        root->set_attributes(".", directory().attributes);
    }
    REQUIRE(exchange.run());
    CHECK(exchange.served.files_sent == 0);
    CHECK(exchange.pulled.verified_files == static_cast<std::uint64_t>(count));
    // The list of the many fits into one frame, which would go when it is complete.
    CHECK(signs_of_life(exchange.said_by_source) >= (many ? 3 : 1));
}

TEST_CASE("signs of life of a source that hashes big files are no flood: their entries are sent meanwhile",
          "[rsync]") {
    Verifying exchange{{{".", directory()}}, {{".", directory()}}};
    for (MemoryDisk* disk : {&exchange.source, &exchange.destination}) {
        const auto root = disk->open("/data");
        for (int number = 0; number < 5; ++number) {
            const auto made = root->create_file(std::to_string(number));
            made->set_size(70 * 1024 * 1024);
            made->set_attributes({0644, 0, 0, {5, 0}});
        }
        root->set_attributes(".", directory().attributes);
    }
    REQUIRE(exchange.run());
    CHECK(signs_of_life(exchange.said_by_source) >= 5);
    const std::string three{"\0\0\0\7\0\0\0\7\0\0\0\7", 12};
    CHECK(exchange.said_by_source.bytes.find(three) == std::string::npos);
}
