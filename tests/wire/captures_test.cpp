#include <catch2/catch.hpp>

#include "wire/decoding.h"
#include "wire/replay.h"

using namespace ft;
using namespace ft::test;
using wire::Reader;

namespace {

std::string any_session() {
    return GENERATE(as<std::string>{}, "tiny", "delta", "md5-delta", "proto30", "io-error", "auth-ok", "big",
                    "tiny-zstd", "zstd", "delta-zstd", "special", "special-noinc");
}

}  // namespace

TEST_CASE("the setup of recorded sessions is what the recorder saw", "[wire][captures]") {
    const std::string name = any_session();
    const auto piece = GENERATE(1u, 3u, 16u);
    INFO(name);
    const Session session{name, piece};
    const auto& negotiated = session.facts["negotiated"];
    CHECK(session.options.protocol == negotiated["protocol"]);
    CHECK(fmt::format("0x{:x}", session.server.compat) == negotiated["compat_flags"]);
    CHECK(session.server.seed == negotiated["checksum_seed"]);
    CHECK(nlohmann::json(session.client.arguments) == session.facts["arguments_received_by_server"]);
    CHECK(base::name_of(session.checksum) == negotiated["checksum"]);
    if (session.client.negotiates_checksum()) {
        CHECK(wire::choose(wire::checksums(), session.server.checksums) == session.checksum);
        CHECK(wire::choose(wire::checksums(), session.client.checksums) == session.checksum);
    }
}

TEST_CASE("recorded lists are the trees that were served, and our encoder writes the same bytes",
          "[wire][captures]") {
    const std::string name = any_session();
    INFO(name);
    const Session session{name};
    const Replay replay{session};
    RecordedTree expected = expected_tree(session);
    expected.objects.erase("priv/in");  // in a directory that this daemon could not read
    CHECK(replay.tree.objects == expected.objects);
    CHECK(replay.tree.acls == expected.acls);
    CHECK(replay.tree.xattrs == expected.xattrs);
    CHECK(replay.same_bytes);
    CHECK(replay.lists == session.facts["counts"]["sub_lists"].get<int>() + 1);
    CHECK(replay.lists_ended == session.options.incremental);
    CHECK(replay.io_error == (name == "io-error" ? wire::kIoGeneral : 0));
}

TEST_CASE("recorded tokens make the files that were served", "[wire][captures]") {
    const std::string name = any_session();
    INFO(name);
    const Session session{name};
    const Replay replay{session};
    RecordedTree expected = expected_tree(session);
    if (name == "io-error") expected.contents = {"3bb2abb69ebb27fb"};  // ok/f: it could read no other
    CHECK(replay.tree.contents == expected.contents);
    CHECK(replay.same_checksums);
}

TEST_CASE("recorded sessions end with the statistics that the recorder saw", "[wire][captures]") {
    const std::string name = any_session();
    INFO(name);
    const Session session{name};
    const Replay replay{session};
    const auto& [read, written, size, build, send] = replay.statistics;
    CHECK(nlohmann::json{read, written, size, build, send} == session.facts["stats_sent_by_server"]);
    CHECK(replay.dones == session.facts["counts"]["server_ndx_done"]);
    CHECK(replay.deleted.files == (name == "io-error" ? 0 : -1));
}

TEST_CASE("recorded requests carry the block sums of the basis file", "[wire][captures]") {
    const std::string name = any_session();
    INFO(name);
    const Session session{name};
    const Requests requests{session};
    CHECK(requests.filters.empty());
    CHECK(requests.dones == session.facts["counts"]["client_ndx_done"]);
    if (name != "io-error") CHECK(requests.heads == Replay{session}.heads);  // one of its files never came

    const wire::SumHead head = wire::choose_blocks(session.basis.size(), 16);
    wire::StrongSum strong{session.checksum, session.server.seed, true};
    std::vector<wire::BlockSum> expected;
    for (std::int32_t i = 0; i < head.count; ++i) {
        const auto block = std::span{session.basis}.subspan(head.offset_of(i), head.length_of(i));
        expected.push_back(wire::block_sum(strong, head, block));
    }
    CHECK(requests.sums == expected);
}

TEST_CASE("the messages of a recorded session are heard", "[wire][captures]") {
    const Session session{"io-error", 3};
    const auto& expected = session.facts["server_messages"];
    REQUIRE(session.replies.messages.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
        CHECK(session.replies.messages[i].first == expected[i]["code"]);
    CHECK(session.replies.messages[0].second ==
          "rsync: [sender] opendir \"priv\" (in ioerr) failed: Permission denied (13)\n");
    CHECK(session.replies.messages[2].second == "2");
    CHECK(session.replies.messages[3].second == "1");
    CHECK(session.requests.messages.empty());
}

TEST_CASE("recorded answers to a challenge are ours", "[wire][captures]") {
    const auto name = GENERATE(as<std::string>{}, "auth-ok", "auth-fail");
    const Session session{name};
    const auto& auth = session.facts["auth"];
    const std::string challenge = auth["challenge"];
    const auto digest = wire::choose(wire::auth_digests(), session.client.greeting.digests);
    REQUIRE(digest == base::DigestKind::sha512);
    const std::string response =
        wire::auth_response(*digest, auth["password_used"].get<std::string>(), challenge);
    CHECK(session.server.lines.front() == "@RSYNCD: AUTHREQD " + challenge);
    CHECK(session.client.answer == auth["user"].get<std::string>() + " " + response);
    CHECK(session.server.accepted == (name == "auth-ok"));
    if (!session.server.accepted) CHECK(session.server.lines.back() == session.facts["error"]);
}

TEST_CASE("a recorded list of modules is lines up to the exit", "[wire][captures]") {
    const Session session{"modlist", 3};
    CHECK(session.client.module.empty());
    CHECK(session.server.lines.size() == 11);
    CHECK(session.server.lines.front() == "small          \tsmall tree");
    CHECK(session.server.lines.back() == "@RSYNCD: EXIT");
}

TEST_CASE("recorded values of extended attributes are what was asked for", "[wire][captures]") {
    const auto name = GENERATE(as<std::string>{}, "special", "special-noinc");
    const Session session{name};
    const Requests requests{session};
    const Replay replay{session};
    CHECK(requests.values == std::vector<std::int32_t>{1, 1});
    REQUIRE(replay.values.size() == 2);
    std::multiset<std::string> long_ones;
    for (const auto& row : session.facts["tree"]) {
        for (const auto& [attribute, value] : row.value("xattrs", std::map<std::string, std::string>{})) {
            if (value.size() > 32 && !long_ones.contains(value)) long_ones.insert(value);
        }
    }
    CHECK(std::multiset<std::string>(replay.values.begin(), replay.values.end()) == long_ones);
}

TEST_CASE("sessions with options that we do not use are refused, not misread", "[wire][captures]") {
    const auto name = GENERATE(as<std::string>{}, "special", "special-noinc");
    Session session{name};
    session.options.acls = session.options.xattrs = false;
    CHECK_THROWS_AS(Replay{session}, base::Error);
}

TEST_CASE("a recorded list cut anywhere is an ended connection", "[wire][captures]") {
    const Session session{"tiny"};
    const auto list = std::span{session.replies.data}.first(88);  // up to and with its end marker
    test::damage(list, [&](Reader& in) {
        wire::EntryDecoder decoder{session.options};
        while (decoder.next(in)) {
        }
    });
}
