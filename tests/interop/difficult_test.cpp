#include "interop/difficult.h"

#include "interop/our_destination.h"
#include "interop/our_source.h"

using namespace ft;
using namespace ft::test;

namespace {

const std::vector<wire::Compression> kCompressions{wire::Compression::none, wire::Compression::zstd,
                                                   wire::Compression::lz4, wire::Compression::zlibx};
const std::vector<base::DigestKind> kChecksums{base::DigestKind::xxh128, base::DigestKind::md5};

}  // namespace

TEST_CASE("we pull a difficult tree from a stock daemon, nothing, and its changes, by each protocol",
          "[interop]") {
    Destination destination;
    destination.protocol = GENERATE(30, 31, 32);
    const wire::Compression compression = GENERATE(from_range(kCompressions));
    if (compression != wire::Compression::none) destination.options.compressions = {compression};
    destination.options.checksums = {GENERATE(from_range(kChecksums))};
    make_difficult(*destination.theirs, destination.protocol);
    INFO("protocol " << destination.protocol << ", " << wire::name_of(compression) << ", "
                     << base::name_of(destination.options.checksums.front()));
    CHECK(destination.pull() == "");
    destination.require_equal();
    CHECK(destination.pull() == "");
    destination.require_equal();
    CHECK(destination.pulled.bytes_literal + destination.pulled.bytes_matched == 0);
    change_difficult(*destination.theirs);
    CHECK(destination.pull() == "");
    destination.require_equal();
    CHECK(destination.pulled.bytes_literal < 2000);
    relink_difficult(*destination.theirs);
    CHECK(destination.pull() == "");
    destination.require_equal();
    CHECK(destination.pulled.bytes_literal + destination.pulled.bytes_matched == 0);
    // A judge that is not ours.
    const os::Finished judged =
        run(*destination.machine,
            {"rsync", "-anciH", "--delete", destination.scratch / "theirs/", destination.scratch / "ours/"});
    CHECK(judged.output == "");
}

TEST_CASE("stock rsync pulls a difficult tree from us, nothing, and its changes, by each protocol",
          "[interop]") {
    Source source;
    const int protocol = GENERATE(30, 31, 32);
    const std::string compression{wire::name_of(GENERATE(from_range(kCompressions)))};
    const std::string checksum{base::name_of(GENERATE(from_range(kChecksums)))};
    // Nothing depends on these together with the above.
    const std::string more = compression == "none" ? "--no-inc-recursive"
                             : checksum == "md5"   ? "--numeric-ids"
                                                   : "--inc-recursive";
    INFO("protocol " << protocol << " " << compression << " " << checksum << " " << more);
    make_difficult(*source.root, protocol);
    OurDaemon daemon{*source.machine, source.options()};
    const auto pull = [&] {
        return source.pull({"-aHi", "--delete", "--no-whole-file", more, "--compress-choice=" + compression,
                            "--checksum-choice=" + checksum, "--protocol=" + std::to_string(protocol)},
                           daemon.url("data/"));
    };
    const os::Finished first = pull();
    CHECK(first.errors == "");
    CHECK(first.status == 0);
    source.require_equal();
    CHECK(pull().output == "");
    change_difficult(*source.root);
    const os::Finished changes = pull();
    CHECK(changes.errors == "");
    source.require_equal();
    CHECK(pull().output == "");
    const auto served = daemon.stop();
    REQUIRE(served.size() == 4);
    for (const rsync::Served& each : served) CHECK(each.refused == "");
    CHECK(served[0].files_sent == 14);  // each of a group once
    CHECK(served[1].files_sent + served[3].files_sent == 0);
    CHECK(served[2].bytes_literal < 2000);
}

TEST_CASE("stock rsync gets the links of what it asks for, and none when it does not ask for them",
          "[interop]") {
    Source source;
    make_difficult(*source.root, 32);
    OurDaemon daemon{*source.machine, source.options()};
    const std::string longest(255, 'n');
    const auto links = [&](const std::string& path) {
        return std::filesystem::hard_link_count(source.scratch / path);
    };
    SECTION("of a part of the module") {
        CHECK(source.pull({"-aH"}, daemon.url("data/sub/deep/")).errors == "");
        CHECK(links("ours/file") == 2);
        CHECK(std::filesystem::equivalent(source.scratch / "ours/file",
                                          source.scratch / ("ours/" + longest + "/file")));
        CHECK(links("ours/a further name of big") == 1);
    }
    SECTION("of one file") {
        CHECK(source.pull({"-aH"}, daemon.url("data/sub/deep/file")).errors == "");
        CHECK(links("ours/file") == 1);
    }
    SECTION("without -H") {
        CHECK(source.pull({"-a"}, daemon.url("data/")).errors == "");
        CHECK(links("ours/big") == 1);
        CHECK(links("ours/sub-way/a third name of big") == 1);
    }
    const auto served = daemon.stop();
    CHECK(served.at(0).refused == "");
}

TEST_CASE("a file of more than 4 GiB, most of it a hole, goes both ways and stays one", "[interop]") {
    static constexpr std::uint64_t kSize = (std::uint64_t{4} << 30) + 5'000'000;
    const bool pull_by_us = GENERATE(true, false);
    const auto require_same = [](os::Machine& machine, const Scratch& scratch) {
        CHECK(run(machine, {"cmp", scratch / "theirs/sparse", scratch / "ours/sparse"}).status == 0);
        const auto ours = machine.open_root(scratch / "ours")->status("sparse").value();
        CHECK(ours.size == kSize);
        CHECK(ours.allocated < 2'000'000);
    };
    const auto make = [](os::Directory& root) {
        const auto file = root.create_file("sparse");
        file->write_at(0, base::as_bytes("begin"));
        file->write_at(kSize - 3, base::as_bytes("end"));
    };
    if (pull_by_us) {
        Destination destination;
        make(*destination.theirs);
        destination.options.compressions = {wire::Compression::lz4};
        CHECK(destination.pull() == "");
        require_same(*destination.machine, destination.scratch);
    } else {
        Source source;
        make(*source.root);
        OurDaemon daemon{*source.machine, source.options()};
        CHECK(source.pull({"-aS", "--zc=zstd"}, daemon.url("data/")).errors == "");
        require_same(*source.machine, source.scratch);
    }
}
