#include <catch2/catch.hpp>

#include "interop/difficult.h"
#include "interop/our_destination.h"

using namespace ft;
using namespace ft::test;

TEST_CASE("we pull from a stock daemon byte for byte, and again without a byte", "[interop]") {
    Destination destination;
    std::ofstream{destination.scratch / "ours/extraneous"} << "x";
    CHECK(destination.pull() == "");
    destination.require_equal();
    CHECK(destination.pulled.bytes_literal == 2'100'009);
    CHECK(destination.pull() == "");
    destination.require_equal();
    CHECK(destination.pulled.bytes_literal + destination.pulled.bytes_matched == 0);
    // A judge that is not ours.
    const os::Finished judged =
        run(*destination.machine,
            {"rsync", "-anci", "--delete", destination.scratch / "theirs/", destination.scratch / "ours/"});
    CHECK(judged.output == "");
}

TEST_CASE("we get a changed file from a stock daemon by its changes", "[interop]") {
    Destination destination;
    REQUIRE(destination.pull() == "");
    std::string big = noise(2'000'000);
    big.insert(700'000, "inserted");
    big.replace(1'500'000, 4, "####");
    destination.theirs->change_file("big")->write_at(0, base::as_bytes(big));
    destination.theirs->remove("sub/deep/file");
    destination.theirs->create_symlink("sub/deep/file", "now a link");
    destination.options.block_length = GENERATE(0, 1024, 131072);
    CHECK(destination.pull() == "");
    destination.require_equal();
    const auto block = static_cast<std::uint64_t>(std::max(1500, destination.options.block_length));
    CHECK(destination.pulled.bytes_literal <= 3 * block + 8);
    CHECK(destination.pulled.bytes_literal + destination.pulled.bytes_matched == big.size());
}

TEST_CASE("we pull from a stock daemon compressed, what is new and what changed", "[interop]") {
    Destination destination;
    destination.options.compressions = {GENERATE(wire::Compression::zstd, wire::Compression::lz4,
                                                 wire::Compression::zlibx, wire::Compression::zlib)};
    INFO(wire::name_of(destination.options.compressions.front()));
    std::string text;
    while (text.size() < 3'000'000) text += "line " + std::to_string(text.size() * 7919) + " of a text\n";
    destination.theirs->create_file("text")->write_at(0, base::as_bytes(text));
    CHECK(destination.pull() == "");
    destination.require_equal();
    CHECK(destination.pulled.bytes_literal == 2'100'009 + text.size());
    text.insert(1'000'000, "inserted");
    text.replace(2'000'000, 5'000, std::string(4'000, 'x'));
    destination.theirs->change_file("text")->write_at(0, base::as_bytes(text));
    CHECK(destination.pull() == "");
    destination.require_equal();
    CHECK(destination.pulled.bytes_literal < 50'000);
    CHECK(destination.pulled.bytes_matched > 2'900'000);
}

TEST_CASE("we check what comes from a stock daemon by each checksum", "[interop]") {
    Destination destination;
    destination.options.checksums = {GENERATE(base::DigestKind::xxh128, base::DigestKind::xxh3,
                                              base::DigestKind::xxh64, base::DigestKind::md5)};
    destination.options.verify_content = GENERATE(false, true);
    INFO(base::name_of(destination.options.checksums.front()));
    CHECK(destination.pull() == "");
    destination.require_equal();
    std::string big = noise(2'000'000);
    big.replace(1'500'000, 4, "####");
    destination.theirs->change_file("big")->write_at(0, base::as_bytes(big));
    CHECK(destination.pull() == "");
    destination.require_equal();
    CHECK(destination.pulled.bytes_literal < 5000);
}

TEST_CASE("we compare with a stock daemon by checksums, and fetch only what differs", "[interop]") {
    Destination destination;
    destination.protocol = GENERATE(30, 31, 32);
    make_difficult(*destination.theirs, destination.protocol);
    REQUIRE(destination.pull() == "");
    const auto damage = [&](const std::string& path, std::uint64_t at) {
        const base::Attributes before = destination.ours->status(path).value().attributes;
        destination.ours->change_file(path)->write_at(at, base::as_bytes("#"));
        destination.ours->set_attributes(path, before);
    };
    damage("big", 1'000);
    damage("sub/deep/file", 70'000);
    base::Attributes later = destination.ours->status("setuid").value().attributes;
    ++later.mtime.seconds;
    destination.ours->set_attributes("setuid", later);
    CHECK(destination.pull() == "");
    CHECK(destination.pulled.bytes_matched > 0);  // by its time alone
    CHECK(difference_by_find(*destination.machine, destination.scratch / "ours",
                             destination.scratch / "theirs") != "");
    destination.ours->set_attributes("setuid", later);
    destination.options.verify_content = true;
    CHECK(destination.pull() == "");
    destination.require_equal();
    CHECK(destination.pulled.verified_files > 10);
    CHECK(destination.pulled.differing_files >= 2);
    CHECK(destination.pulled.bytes_literal < 5000);
    CHECK(destination.pulled.bytes_literal + destination.pulled.bytes_matched == 300'000 + 100'003);
    CHECK(destination.pull() == "");
    CHECK(destination.pulled.differing_files == 0);
    CHECK(destination.pulled.bytes_literal + destination.pulled.bytes_matched == 0);
}

TEST_CASE("a stock daemon that does not compress as we ask is told", "[interop]") {
    Destination destination;
    destination.options.compressions = {wire::Compression::zstd};
    destination.options.module = "locked";  // the last section of the file
    destination.options.credentials = {"mover", "s3cret pass"};
    std::ofstream{destination.scratch / "conf", std::ios::app} << "refuse options = compress\n";
    CHECK(destination.pull().find("refuse --compress (-z)") != std::string::npos);
}

TEST_CASE("we answer a stock daemon's challenge", "[interop]") {
    Destination destination;
    destination.options.module = "locked";
    CHECK(destination.pull() == "the source asks for a password for locked");
    destination.options.credentials = {"mover", "guess"};
    CHECK(destination.pull() == "the source refuses locked: @ERROR: auth failed on module locked");
    destination.options.credentials = {"mover", "s3cret pass"};
    CHECK(destination.pull() == "");
    destination.require_equal();
}

TEST_CASE("a file that vanishes from a stock daemon is fine while it is live, else the end", "[interop]") {
    Destination destination;
    destination.options.live = GENERATE(false, true);
    destination.options.on_need = [&](const rsync::Need&, const auto& keep_alive) {
        keep_alive();
        destination.theirs->remove("sub/deep/file");
    };
    const std::string error = destination.pull();
    if (destination.options.live) {
        CHECK(error == "");
        CHECK(destination.pulled.vanished == 1);
        CHECK(!std::filesystem::exists(destination.scratch / "ours/sub/deep/file"));
    } else {
        CHECK(error == "sub/deep/file: the source listed it and cannot send it");
        CHECK(std::filesystem::is_empty(destination.scratch / "ours"));
    }
}

TEST_CASE("of a file that vanishes from a stock daemon each other name is asked for", "[interop]") {
    Destination destination;
    destination.protocol = GENERATE(30, 31, 32);
    destination.options.live = true;
    const std::vector<std::string> names{"n1", "n2", "n3", "n4"};
    destination.theirs->create_file(names[0])->write_at(0, base::as_bytes(noise(300'000)));
    for (std::size_t i = 1; i < names.size(); ++i)
        destination.theirs->link(names[0], *destination.theirs, names[i]);
    const std::size_t gone = GENERATE(3U, 4U);
    destination.options.on_need = [&](const rsync::Need&, const auto&) {
        for (std::size_t i = 0; i < gone; ++i) destination.theirs->remove(names[i]);
    };
    CHECK(destination.pull() == "");
    CHECK(destination.pulled.vanished == gone);
    for (std::size_t i = 0; i < names.size(); ++i)
        CHECK(destination.ours->status(names[i]).has_value() == (i >= gone));
    CHECK(destination.pulled.bytes_literal == 2'100'009 + (gone < names.size() ? 300'000 : 0));
}

TEST_CASE("what a stock daemon cannot read, or does not have, ends the pull", "[interop]") {
    Destination destination;
    SECTION("an unreadable directory") {
        std::ofstream{destination.scratch / "conf", std::ios::app}
            << "[poor]\nuid = 65534\ngid = 65534\npath = " << (destination.scratch / "theirs") << "\n";
        std::filesystem::permissions(destination.scratch / "", std::filesystem::perms{0755});
        destination.theirs->set_attributes(".", {0755, 0, 0, {1, 0}});
        destination.options.module = "poor";
        const std::string error = destination.pull();
        CHECK(error.starts_with("the source could not read everything: rsync: [sender] opendir "));
    }
    SECTION("no such module") {
        destination.options.module = "nothing";
        CHECK(destination.pull() == "the source refuses nothing: @ERROR: Unknown module 'nothing'");
    }
    CHECK(std::filesystem::is_empty(destination.scratch / "ours"));
}

TEST_CASE("what an interrupted pull left is not fetched again from a stock daemon", "[interop]") {
    Destination destination;
    const std::string big = noise(2'000'000);
    const auto status = destination.theirs->status("big").value();
    const bool complete = GENERATE(false, true);
    const std::size_t length = complete ? big.size() : 1'300'000;
    // The live file has what follows, but for its end.
    if (!complete)
        destination.ours->create_file("big")->write_at(0, base::as_bytes(big.substr(0, 1'900'000)));
    {
        staging::Staging staging{
            *destination.ours, staging::open_reserved(*destination.ours), {}, destination.origin};
        const auto slot = staging.create_file(base::RelPath{"big"}, staging::Over::nothing,
                                              base::DigestKind::xxh128, nullptr);
        slot->append(base::as_bytes(big.substr(0, length)));
        if (complete) slot->finish(status.attributes);
    }
    if (!complete)
        destination.ours->change_file("big")->write_at(0, base::as_bytes(std::string(1'250'000, 'x')));
    CHECK(destination.pull() == "");
    destination.require_equal();
    CHECK(destination.pulled.adopted_files == (complete ? 1 : 0));
    CHECK(destination.pulled.adopted_bytes == (complete ? 2'000'000 : 0));
    CHECK(destination.pulled.bytes_literal < (complete ? 100'010 : 205'000));
}
