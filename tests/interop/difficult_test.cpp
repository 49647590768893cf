#include "interop/difficult.h"

#include "interop/our_destination.h"
#include "interop/our_source.h"

using namespace ft;
using namespace ft::test;

TEST_CASE("we pull a difficult tree from a stock daemon, nothing, and its changes, by each protocol",
          "[interop]") {
    Destination destination;
    destination.protocol = GENERATE(30, 31, 32);
    make_difficult(*destination.theirs, destination.protocol);
    INFO("protocol " << destination.protocol);
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
    const std::string more = GENERATE("--inc-recursive", "--no-inc-recursive", "--numeric-ids");
    INFO("protocol " << protocol << " " << more);
    make_difficult(*source.root, protocol);
    OurDaemon daemon{*source.machine, source.options()};
    const auto pull = [&] {
        return source.pull({"-aHi", "--delete", more, "--protocol=" + std::to_string(protocol)},
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
    CHECK(served[0].files_sent == 13);  // each of a group once
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
