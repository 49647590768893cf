#include <catch2/catch.hpp>

#include <cerrno>

#include "ft/wire/writer.h"
#include "rsync/exchange.h"

using namespace ft;
using namespace ft::test;

namespace {

Tree a_bit_of_all() {
    return {{".", directory(1'600'000'000, 0750)},
            {"empty", file("")},
            {"odd \n name", file("x", -5)},
            {"late", {base::FileType::regular, {04755, 70000, 7, {5'000'000'000, 123'456'789}}, noise(5000)}},
            {"link", link("nowhere/at all")},
            {"disk", device("8:17")},
            {"pipe", fifo()},
            {"sub", directory()},
            {"sub/deeper", directory(1'650'000'000, 01777)},
            {"sub/deeper/file", file(noise(100'000))},
            {"sub-way", directory()},
            {"sub-way/file", file("way")},
            {"zeros", file(std::string(70'000, '\0'))}};
}

Tamper protocol(int number) { return replacing("32.0", std::to_string(number) + ".0"); }
// A checksum that the other side does not know leaves md5.
Tamper md5() { return replacing("xxh128", "xxh12X"); }

}  // namespace

TEST_CASE("a pull makes the empty tree equal to the source's, in any fragmentation, protocol and checksum",
          "[rsync]") {
    Exchange exchange{a_bit_of_all(), {{".", directory()}}};
    exchange.piece = GENERATE(1u, 7u, 65536u);
    const int number = GENERATE(30, 31, 32);
    const bool with_md5 = GENERATE(false, true);
    exchange.options.source_is_ft = GENERATE(false, true);
    exchange.to_source = exchange.to_destination = {protocol(number)};
    if (with_md5) exchange.to_source.push_back(md5()), exchange.to_destination.push_back(md5());
    Tree expected = a_bit_of_all();
    if (number == 30) {  // it has no nanoseconds
        for (auto& [path, object] : expected) object.attributes.mtime.nanoseconds = 0;
    }
    INFO("protocol " << number << ", md5 " << with_md5 << ", ft " << exchange.options.source_is_ft);
    exchange.run();
    CHECK(exchange.pull_error == "");
    CHECK(exchange.serve_error == "");
    CHECK(exchange.served.refused == "");
    CHECK(exchange.ours() == expected);
    CHECK(exchange.served.files_sent == 6);
    CHECK(exchange.pulled.listed == tree::Totals{13, 6, 4, 175'004});
    CHECK(exchange.pulled.bytes_literal == 175'004);
}

TEST_CASE("a second pull of the same tree sends no content and changes nothing", "[rsync]") {
    Exchange exchange{a_bit_of_all(), a_bit_of_all()};
    REQUIRE(exchange.run());
    CHECK(exchange.pulled.bytes_literal + exchange.pulled.bytes_matched == 0);
    CHECK(exchange.served.files_sent == 0);
    CHECK(exchange.changes.counts.files + exchange.changes.counts.others + exchange.changes.counts.removed ==
          0);
    CHECK(exchange.ours() == exchange.theirs());
}

TEST_CASE("who asks for nothing says all its last words at once, else those behind the first", "[rsync]") {
    const int number = GENERATE(30, 31, 32);
    const int dones = number > 30 ? 5 : 4;
    const bool changed = GENERATE(false, true);
    Tree ours = a_bit_of_all();
    if (number == 30) {  // it has no nanoseconds
        for (auto& [path, object] : ours) object.attributes.mtime.nanoseconds = 0;
    }
    if (changed) ours["sub-way/file"] = file("other", 3);
    Exchange exchange{a_bit_of_all(), ours};
    exchange.to_source = exchange.to_destination = {protocol(number)};
    REQUIRE(exchange.run());
    CHECK(exchange.served.files_sent == (changed ? 1 : 0));
    wire::Writer last;
    last.int32(7 << 24 | (changed ? dones - 1 : dones));
    for (int done = changed ? 1 : 0; done < dones; ++done) last.byte(0);
    CHECK(exchange.said_by_destination.bytes.ends_with(base::as_text(last.written())));
    // Of its answers nothing had come.
    const auto& [said, heard] = exchange.said_by_destination.after.back();
    CHECK(said == exchange.said_by_destination.bytes.size() - last.written().size());
    CHECK(heard < exchange.said_by_source.bytes.size());
}

TEST_CASE("what an ft says behind its last answer is not waited for", "[rsync]") {
    const bool changed = GENERATE(false, true);
    Tree ours = a_bit_of_all();
    if (changed) ours["sub-way/file"] = file("other", 3);
    const bool is_ft = GENERATE(false, true);
    Said said;
    {
        Exchange exchange{a_bit_of_all(), ours};
        exchange.options.source_is_ft = is_ft;
        REQUIRE(exchange.run());
        said = exchange.said_by_source;
    }
    // Its last words go out together.
    said.bytes.resize(said.after.back().first);
    said.after.pop_back();
    Exchange exchange{a_bit_of_all(), ours};
    exchange.options.source_is_ft = is_ft;
    Replayed stream{said, std::chrono::hours{1}};  // all that is answered is asked for
    exchange.pull(stream);
    CHECK(exchange.pull_error == (is_ft ? "" : "the connection ended within the file index"));
    CHECK(exchange.ours() == (is_ft ? a_bit_of_all() : ours));
}

TEST_CASE("a changed file costs its changes, not its size", "[rsync]") {
    const std::string before = noise(400'000);
    std::string after = before;
    after.insert(100'000, "some new bytes in the middle");
    after.replace(300'000, 50, std::string(50, '#'));
    after.append("and a tail");
    Exchange exchange{{{".", directory()}, {"big", file(after, 2)}},
                      {{".", directory()}, {"big", file(before, 1)}}};
    exchange.options.block_length = GENERATE(0, 64, 1024, 131072);
    exchange.piece = GENERATE(13u, 65536u);
    const bool with_md5 = GENERATE(false, true);
    if (with_md5) exchange.to_source = exchange.to_destination = {md5()};
    REQUIRE(exchange.run());
    CHECK(exchange.ours() == exchange.theirs());
    CHECK(exchange.pulled.bytes_literal + exchange.pulled.bytes_matched == after.size());
    const auto block =
        static_cast<std::uint64_t>(exchange.options.block_length == 0 ? 700 : exchange.options.block_length);
    CHECK(exchange.pulled.bytes_literal <= 100 + 4 * block);
    CHECK(exchange.pulled.bytes_literal == exchange.served.bytes_literal);
    CHECK(exchange.changes.counts.files == 1);
}

TEST_CASE("what the source has not goes, and what it has as something else is replaced", "[rsync]") {
    const Tree theirs{
        {".", directory(1)},          {"was-dir", file("now a file")}, {"was-file", directory(7)},
        {"was-file/in", file("in")},  {"was-link", link("elsewhere")}, {"same", directory(3)},
        {"same/kept", file("kept")},  {"mode", file("mode", 9, 0600)}, {"touched", directory(4)},
        {"touched/new", file("new")}, {"emptied", directory(5)},       {"device", device("1:2")}};
    const Tree ours{{".", directory(99)},        {"was-dir", directory(2)},       {"was-dir/x", file("x")},
                    {"was-file", file("f")},     {"was-link", link("there")},     {"same", directory(3)},
                    {"same/kept", file("kept")}, {"mode", file("mode", 9, 0644)}, {"touched", directory(4)},
                    {"emptied", directory(5)},   {"emptied/a", directory(6)},     {"emptied/a/b", file("b")},
                    {"gone", file("gone")},      {"device", device("1:3")}};
    Exchange exchange{theirs, ours};
    REQUIRE(exchange.run());
    CHECK(exchange.ours() == theirs);
    CHECK(exchange.changes.counts.removed == 2);
}

TEST_CASE("what the rules exclude is neither served nor touched", "[rsync]") {
    Exchange exchange{
        {{".", directory(1)}, {"a", file("a")}, {"secret", file("theirs")}, {"d", directory(2)}},
        {{".", directory(1)},
         {"secret", file("ours")},
         {"old", directory(3)},
         {"old/secret", file("kept")},
         {"old/other", file("goes")}}};
    exchange.rules.exclude("secret");
    REQUIRE(exchange.run());
    CHECK(exchange.said_by_source.bytes.find("secret") == std::string::npos);
    CHECK(exchange.ours() == Tree{{".", directory(1)},
                                  {"a", file("a")},
                                  {"d", directory(2)},
                                  {"secret", file("ours")},
                                  {"old", directory(3)},
                                  {"old/secret", file("kept")}});
}

TEST_CASE("owners are mapped by name where this machine knows the name", "[rsync]") {
    Exchange exchange{{{".", directory()}, {"a", file("a", 1, 0644, 100)}, {"b", file("b", 1, 0644, 200)}},
                      {{".", directory()}}};
    exchange.source_machine.table.users = {{"root", 0}, {"web", 100}, {"alice", 200}};
    exchange.source_machine.table.groups = {{"root", 0}, {"web", 100}};
    exchange.destination_machine.table.users = {{"root", 0}, {"web", 33}};
    exchange.destination_machine.table.groups = {{"root", 0}, {"web", 34}};
    REQUIRE(exchange.run());
    CHECK(exchange.ours().at("a").attributes == base::Attributes{0644, 33, 34, {1, 0}});
    CHECK(exchange.ours().at("b").attributes == base::Attributes{0644, 200, 200, {1, 0}});
    CHECK(exchange.pulled.unknown_owners == std::vector<std::string>{"user alice"});
}

TEST_CASE("a pull that waits before it asks for anything can show the source that it lives", "[rsync]") {
    const Tree theirs{{".", directory()}, {"a", file("a", 2)}};
    Exchange exchange{theirs, {{".", directory()}}};
    const int number = GENERATE(30, 31, 32);
    exchange.to_source = exchange.to_destination = {protocol(number)};
    exchange.options.on_need = [&](const rsync::Need&, const auto& keep_alive) {
        for (int times = 0; times < 500; ++times) keep_alive();
    };
    REQUIRE(exchange.run());
    CHECK(exchange.ours() == theirs);
    CHECK(exchange.serve_error == "");
    std::string frames;  // of data, empty
    for (int times = 0; times < 500; ++times) frames += std::string{"\0\0\0\7", 4};
    CHECK(exchange.said_by_destination.bytes.find(frames) != std::string::npos);
}

TEST_CASE("a file that vanishes from a live source goes here too, and is named", "[rsync]") {
    const Tree theirs{{".", directory()}, {"a", file("a", 2)}, {"b", file("b")}, {"c", file("c")}};
    Exchange exchange{theirs, {{".", directory()}, {"a", file("old", 1)}}};
    exchange.options.live = true;
    exchange.options.on_need = [&](const rsync::Need&, const auto&) {
        exchange.source.open("/data")->remove("a");
        exchange.source.open("/data")->remove("b");
    };
    REQUIRE(exchange.run());
    CHECK(exchange.pulled.vanished == 2);
    CHECK(exchange.pulled.warnings ==
          std::vector<std::string>{"file has vanished: a", "file has vanished: b"});
    CHECK(exchange.served.vanished == 2);
    CHECK(exchange.served.failed.empty());
    CHECK(exchange.ours() == Tree{{".", directory()}, {"c", file("c")}});
}

TEST_CASE("many files that vanish are counted, and the first of them named", "[rsync]") {
    constexpr int kMany = 10'100;
    Tree theirs{{".", directory()}};
    for (int i = 0; i < kMany; ++i) theirs["session " + std::to_string(i)] = file("s");
    Exchange exchange{theirs, {{".", directory()}}};
    exchange.options.live = true;
    exchange.options.on_need = [&](const rsync::Need&, const auto&) {
        for (int i = 0; i < kMany; ++i) exchange.source.open("/data")->remove("session " + std::to_string(i));
    };
    REQUIRE(exchange.run());
    CHECK(exchange.pulled.vanished == kMany);
    CHECK(exchange.served.vanished == kMany);
    const std::string& said = exchange.said_by_source.bytes;
    int named = 0;
    for (std::size_t at = 0; (at = said.find("vanished: ", at)) != std::string::npos; ++at) ++named;
    CHECK(named == 10'000);
}

TEST_CASE("behind many that vanished, one that cannot be read still ends the pull", "[rsync]") {
    constexpr int kMany = 10'100;
    Tree theirs{{".", directory()}, {"z", file("unreadable")}};
    for (int i = 0; i < kMany; ++i) theirs["session " + std::to_string(i)] = file("s");
    const Tree ours{{".", directory()}, {"z", file("old", 1)}};
    Exchange exchange{theirs, ours};
    exchange.options.live = true;
    exchange.options.on_need = [&](const rsync::Need&, const auto&) {
        for (int i = 0; i < kMany; ++i) exchange.source.open("/data")->remove("session " + std::to_string(i));
        exchange.source.fail(1, "open", EACCES, true);
    };
    exchange.run();
    CHECK(exchange.pull_error ==
          "the source could not read everything: /data/z: cannot open: Permission denied");
    CHECK(exchange.ours() == ours);
}

TEST_CASE("a file that vanishes from a source that stands still ends the pull", "[rsync]") {
    Exchange exchange{{{".", directory()}, {"a", file("a")}}, {{".", directory()}}};
    exchange.options.on_need = [&](const rsync::Need&, const auto&) {
        exchange.source.open("/data")->remove("a");
    };
    exchange.run();
    CHECK(exchange.pull_error == "a: the source listed it and cannot send it");
    CHECK(exchange.pull_error_kind == base::ErrorKind::peer);
    CHECK(exchange.ours() == Tree{{".", directory()}});
}

TEST_CASE("a file that changes while it is read is named, and ends the pull of a source that stands still",
          "[rsync]") {
    Exchange exchange{{{".", directory()}, {"a", file("first")}}, {{".", directory()}}};
    const bool live = GENERATE(false, true);
    exchange.options.live = live;
    exchange.module_live = live;
    exchange.options.on_need = [&](const rsync::Need&, const auto&) {
        exchange.source.open("/data")->change_file("a")->write_at(0, base::as_bytes("other"));
    };
    exchange.run();
    CHECK(exchange.served.changed == 1);
    if (live) {
        CHECK(exchange.pull_error == "");
        CHECK(exchange.pulled.warnings == std::vector<std::string>{"a: changed while it was read"});
        CHECK(exchange.ours().at("a").content == "other");
    } else {
        CHECK(exchange.pull_error == "the source could not read everything: a: changed while it was read");
        CHECK(exchange.ours() == Tree{{".", directory()}});
    }
}

TEST_CASE("a file system that is mounted in either tree ends the pull", "[rsync]") {
    Exchange exchange{{{".", directory()}, {"a", directory()}}, {{".", directory()}, {"a", directory()}}};
    const bool at_source = GENERATE(false, true);
    (at_source ? exchange.source : exchange.destination).mount("/data/a");
    exchange.run();
    CHECK(exchange.pull_error_kind == base::ErrorKind::unfit);
    CHECK(exchange.pull_error ==
          std::string{"a: another file system is mounted here"} + (at_source ? " at the source" : ""));
}

TEST_CASE("a file that cannot be read ends the pull, live or not, with the source's own words", "[rsync]") {
    Exchange exchange{{{".", directory()}, {"a", file("a")}}, {{".", directory()}}};
    const std::string kind = GENERATE("open", "read");
    exchange.options.live = GENERATE(false, true);
    exchange.options.on_need = [&](const rsync::Need&, const auto&) {
        exchange.source.fail(1, kind, EACCES, true);
    };
    exchange.run();
    INFO(exchange.pull_error);
    CHECK(exchange.pull_error_kind.has_value());
    if (kind == "open" && exchange.options.live) {
        CHECK(exchange.pull_error ==
              "the source could not read everything: /data/a: cannot open: Permission denied");
    }
    CHECK(exchange.served.failed_count <= 2);
    CHECK(exchange.ours() == Tree{{".", directory()}});
}

TEST_CASE("a directory that cannot be read ends the pull before anything is asked for", "[rsync]") {
    Exchange exchange{{{".", directory()}, {"d", directory()}, {"e", file("e")}},
                      {{".", directory()}, {"d", directory()}, {"d/x", file("x")}}};
    exchange.source.fail(2, "list", EACCES);
    exchange.run();
    CHECK(exchange.pull_error_kind == base::ErrorKind::peer);
    CHECK(exchange.pull_error.starts_with("the source could not read everything: "));
    CHECK(exchange.served.files_sent == 0);
    CHECK(exchange.ours().size() == 3);
}

TEST_CASE("content that arrives damaged once is asked for again, twice ends the pull", "[rsync]") {
    const std::string before = noise(20'000) + "SECRET TEXT" + noise(20'000, 2);
    Exchange exchange{{{".", directory()}, {"a", file(before, 2)}, {"b", file("b")}},
                      {{".", directory()}, {"a", file(noise(20'000), 1)}}};
    const int times = GENERATE(1, 2);
    exchange.to_destination = {replacing("SECRET TEXT", "SECRET TEST", times)};
    exchange.run();
    if (times == 1) {
        CHECK(exchange.pull_error == "");
        CHECK(exchange.ours() == exchange.theirs());
        CHECK(exchange.served.files_sent == 3);
    } else {
        CHECK(exchange.pull_error == "a: the content that came does not fit its checksum, in the last try");
        CHECK(exchange.pull_error_kind == base::ErrorKind::corrupt);
    }
}

TEST_CASE("a source that stands still must send the size that it listed, a live one may send more",
          "[rsync]") {
    Exchange exchange{{{".", directory()}, {"log", file("one\n", 1)}}, {{".", directory()}}};
    exchange.options.live = GENERATE(false, true);
    const std::string grown = GENERATE("one\ntwo\n", "o");
    exchange.options.on_need = [&](const rsync::Need&, const auto&) {
        const auto log = exchange.source.open("/data")->change_file("log");
        log->set_size(grown.size());
        log->write_at(0, base::as_bytes(grown));
    };
    exchange.run();
    if (exchange.options.live) {
        CHECK(exchange.pull_error == "");
        CHECK(exchange.ours().at("log").content == grown);
    } else {
        const std::string sent = grown == "o" ? "1" : "more";
        CHECK(exchange.pull_error == "log: the source listed 4 bytes and sent " + sent);
        CHECK(exchange.pull_error_kind == base::ErrorKind::corrupt);
    }
}

TEST_CASE("a pull ends without a change when what is needed is too much", "[rsync]") {
    Exchange exchange{a_bit_of_all(), {{".", directory()}, {"old", file("old")}}};
    rsync::Need asked;
    exchange.options.on_need = [&](const rsync::Need& need, const auto&) {
        asked = need;
        throw base::Error{base::ErrorKind::no_space, "/data: too much"};
    };
    exchange.run();
    CHECK(exchange.pull_error == "/data: too much");
    CHECK(asked.bytes == 175'004);
    CHECK(asked.inodes == 12);
    CHECK(asked.removals == 1);
    CHECK(asked.live_entries == 2);
    CHECK(exchange.ours().size() == 2);
}

TEST_CASE("files that go are counted one by one, wherever they lie", "[rsync]") {
    Exchange exchange{{{".", directory()},
                       {"became a directory", directory()},
                       {"became a directory/new", file("n")},
                       {"became a file", file("f")},
                       {"changed", file("other")},
                       {"same", file("s")}},
                      {{".", directory()},
                       {"became a directory", file("1")},
                       {"became a file", directory()},
                       {"became a file/below", file("2")},
                       {"changed", file("c")},
                       {"gone", directory()},
                       {"gone/a", file("3")},
                       {"gone/deep", directory()},
                       {"gone/deep/b", file("4")},
                       {"same", file("s")},
                       {"stray", file("5")}}};
    rsync::Need need;
    exchange.options.on_need = [&](const rsync::Need& found, const auto&) { need = found; };
    CHECK(exchange.run());
    CHECK(need.listed_files == 4);
    CHECK(need.live_files == 7);
    CHECK(need.removed_files == 5);
}

TEST_CASE("a password lets in who knows it", "[rsync]") {
    Exchange exchange{{{".", directory()}, {"a", file("a")}}, {{".", directory()}}};
    exchange.credentials = {"mover", "s3cret pass"};
    SECTION("right") {
        exchange.options.credentials = exchange.credentials;
        CHECK(exchange.run());
        CHECK(exchange.said_by_destination.bytes.find("s3cret") == std::string::npos);
    }
    SECTION("wrong secret") {
        exchange.options.credentials = {"mover", "secret pass"};
        exchange.run();
        CHECK(exchange.pull_error == "the source refuses data: @ERROR: auth failed on module data");
        CHECK(exchange.served.refused == "auth failed on module data");
    }
    SECTION("wrong user") {
        exchange.options.credentials = {"root", "s3cret pass"};
        CHECK(!exchange.run());
    }
    SECTION("none") {
        exchange.run();
        CHECK(exchange.pull_error == "the source asks for a password for data");
    }
}

TEST_CASE("an unknown module is refused with its name escaped", "[rsync]") {
    Exchange exchange{{{".", directory()}}, {{".", directory()}}};
    exchange.options.module = "da\x1b[31mta";
    exchange.run();
    CHECK(exchange.served.refused == "Unknown module 'da\\x1b[31mta'");
    CHECK(exchange.pull_error_kind == base::ErrorKind::peer);
}
