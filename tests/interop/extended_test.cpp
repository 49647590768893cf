#include "interop/extended.h"

#include "interop/our_destination.h"
#include "interop/our_source.h"

using namespace ft;
using namespace ft::test;

TEST_CASE("we pull ACLs and extended attributes from a stock daemon, nothing, and their changes",
          "[interop]") {
    Destination destination;
    destination.protocol = GENERATE(30, 31, 32);
    INFO("protocol " << destination.protocol);
    make_difficult(*destination.theirs, destination.protocol);
    change_by_tools(*destination.machine, *destination.theirs, kGiveExtended);
    const auto require_equal = [&] {
        destination.require_equal();
        CHECK(extended_by_tools(*destination.machine, destination.scratch / "ours") ==
              extended_by_tools(*destination.machine, destination.scratch / "theirs"));
    };
    CHECK(destination.pull() == "");
    require_equal();
    CHECK(extended_by_tools(*destination.machine, destination.scratch / "ours").size() > 10'000);
    CHECK(destination.pull() == "");
    require_equal();
    CHECK(destination.counts.files + destination.counts.others + destination.counts.attributes == 0);
    change_by_tools(*destination.machine, *destination.theirs, kChangeExtended);
    CHECK(destination.pull() == "");
    require_equal();
    // Content is here, whatever is made anew.
    CHECK(destination.pulled.bytes_literal + destination.pulled.bytes_matched == 0);
    CHECK(destination.pull() == "");
    CHECK(destination.counts.files + destination.counts.others + destination.counts.attributes == 0);
    // A judge that is not ours.
    const os::Finished judged = run(
        *destination.machine,
        {"rsync", "-anciHAX", "--delete", destination.scratch / "theirs/", destination.scratch / "ours/"});
    CHECK(judged.output == "");
}

TEST_CASE("stock rsync pulls ACLs and extended attributes from us, nothing, and their changes", "[interop]") {
    Source source;
    const int protocol = GENERATE(30, 31, 32);
    const std::string more = GENERATE("--inc-recursive", "--no-inc-recursive", "--numeric-ids", "-z");
    INFO("protocol " << protocol << " " << more);
    make_difficult(*source.root, protocol);
    change_by_tools(*source.machine, *source.root, kGiveExtended);
    OurDaemon daemon{*source.machine, source.options()};
    const auto pull = [&] {
        const os::Finished pulled = source.pull(
            {"-aHAXi", "--delete", more, "--protocol=" + std::to_string(protocol)}, daemon.url("data/"));
        CHECK(pulled.errors == "");
        CHECK(pulled.status == 0);
        source.require_equal();
        CHECK(extended_by_tools(*source.machine, source.scratch / "ours") ==
              extended_by_tools(*source.machine, source.scratch / "theirs"));
        return pulled.output;
    };
    CHECK(pull() != "");
    CHECK(pull() == "");
    change_by_tools(*source.machine, *source.root, kChangeExtended);
    CHECK(pull() != "");
    CHECK(pull() == "");
    const auto served = daemon.stop();
    REQUIRE(served.size() == 4);
    for (const rsync::Served& each : served) CHECK(each.refused == "");
}

TEST_CASE("stock rsync gets of the two what it asks for", "[interop]") {
    Source source;
    make_difficult(*source.root, 32);
    change_by_tools(*source.machine, *source.root, kGiveExtended);
    OurDaemon daemon{*source.machine, source.options()};
    const bool acls = GENERATE(false, true);
    const os::Finished pulled = source.pull({acls ? "-aA" : "-aX"}, daemon.url("data/"));
    CHECK(pulled.errors == "");
    CHECK(pulled.status == 0);
    const std::string got = extended_by_tools(*source.machine, source.scratch / "ours");
    CHECK((got.find("user:54321:r--") != std::string::npos) == acls);
    CHECK((got.find("default:user:1:rwx") != std::string::npos) == acls);
    CHECK((got.find("user.long=0x4c4c") != std::string::npos) == !acls);
    const os::Finished twice = source.pull({"-aXX"}, daemon.url("data/"));
    CHECK(twice.errors.find("this server does not grant --xattrs given twice (-XX)") != std::string::npos);
}
