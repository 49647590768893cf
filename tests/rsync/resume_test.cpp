#include <catch2/catch.hpp>

#include "ft/base/bytes.h"
#include "rsync/exchange.h"
#include "rsync/joined_file.h"

using namespace ft;
using namespace ft::test;

namespace {

constexpr std::size_t kBig = 700'000;
constexpr std::size_t kSmall = 5'000;

/// Runs of which each is a process of its own: what one leaves staged is all that the next one knows of it.
struct Runs : Exchange {
    using Exchange::Exchange;
    rsync::Need need;
    base::Progress progress;
    staging::EarlierFiles earlier;

    /// True when the pull succeeded, and was applied.
    bool once() {
        pull_error.clear();
        options.on_need = [&](const rsync::Need& found, const auto&) { need = found; };
        auto [one, other] = make_pipe({.piece = piece, .cut_after = cut_source},
                                      {.piece = piece, .cut_after = cut_destination});
        Tampered server{std::move(one), to_destination};
        Tampered client{std::move(other), to_source};
        std::thread serving{[&] {
            try {
                const auto root = source.open("/data");
                base::Progress unused;
                base::Cancellation cancellation;
                served = rsync::serve(server, serve_options(*root), unused, cancellation);
            } catch (const base::Error& error) {
                serve_error = error.what();
            }
            server.shut_down();
        }};
        const auto live = destination.open("/data");
        const Tree before = ours();
        {
            base::Cancellation cancellation;
            staging::Staging staging{*live, staging::open_reserved(*live), {}, "the source"};
            earlier = staging.check_earlier(progress, cancellation);
            try {
                pulled = rsync::pull(client, *live, rules, staging, options, progress, cancellation);
                changes = staging.finish();
                apply(*live);
            } catch (const base::Error& error) {
                pull_error = error.what();
                CHECK(ours() == before);
            }
        }
        client.shut_down();
        serving.join();
        said_by_source = server.said;
        if (pull_error.empty()) staging::free_staged(*live);
        return pull_error.empty();
    }
};

Tree old_tree() {
    return {{".", directory()}, {"big", file("old" + noise(100'000, 9), 1)}, {"gone", file("gone")}};
}

Tree wanted_tree() {
    Tree tree{{".", directory()}, {"big", file(noise(kBig, 3))}, {"new", directory()}};
    for (int i = 0; i < 5; ++i) {
        tree["a" + std::to_string(i)] = file(noise(kSmall, 10 + i));
        tree["new/b" + std::to_string(i)] = file(noise(kSmall, 20 + i));
    }
    tree["new/big"] = file(noise(kBig, 4));
    return tree;
}

}  // namespace

TEST_CASE("a pull that was cut anywhere is gone on with: what came does not come again", "[rsync]") {
    std::size_t whole = 0;
    {
        Runs runs{wanted_tree(), old_tree()};
        REQUIRE(runs.once());
        whole = runs.said_by_source.bytes.size();
    }
    for (std::size_t cut = 1; cut < whole; cut += 7'919) {
        INFO("cut after " << cut << " of " << whole << " bytes");
        Runs runs{wanted_tree(), old_tree()};
        runs.cut_source = cut;
        REQUIRE_FALSE(runs.once());
        runs.cut_source = 0;
        REQUIRE(runs.once());
        REQUIRE(runs.ours() == wanted_tree());
        // Of each big file the first 256 KiB may be lost; otherwise what was on its way, the list, and the
        // ends of blocks.
        const std::size_t lost = 262'144;
        REQUIRE(cut + runs.said_by_source.bytes.size() < whole + std::min(cut, lost) + 120'000);
        REQUIRE(runs.pulled.adopted_files == runs.earlier.files);
        REQUIRE(runs.need.bytes + runs.earlier.bytes == 2 * kBig + 10 * kSmall);
    }
}

TEST_CASE("over a connection that always breaks early a big tree still comes", "[rsync]") {
    Runs runs{wanted_tree(), old_tree()};
    runs.cut_source = 330'000;
    int tries = 1;
    while (!runs.once()) REQUIRE(++tries < 12);
    CHECK(tries > 3);
    CHECK(runs.ours() == wanted_tree());
}

TEST_CASE("what is cut while only the destination speaks is as well gone on with", "[rsync]") {
    for (std::uint64_t cut = 1; cut < 6'000; cut += 97) {
        INFO("cut after " << cut);
        Runs runs{wanted_tree(), old_tree()};
        runs.cut_destination = cut;
        runs.once();
        runs.cut_destination = 0;
        if (!runs.pull_error.empty()) REQUIRE(runs.once());
        REQUIRE(runs.ours() == wanted_tree());
    }
}

TEST_CASE("what is unchanged of a big file is copied while the source goes on, and stays after a cut",
          "[rsync]") {
    constexpr std::size_t kMiB = 1024 * 1024;
    constexpr std::size_t kTail = 100'000;
    const std::string content = noise(40 * kMiB);
    const Tree old{{".", directory()}, {"big", file(content, 1)}};
    const Tree wanted{{".", directory()}, {"big", file(content + noise(kTail, 2))}};
    std::size_t whole = 0;
    {
        Runs runs{wanted, old};
        REQUIRE(runs.once());
        whole = runs.said_by_source.bytes.size();
    }
    Runs runs{wanted, old};
    runs.cut_source = whole - kTail - 1000;  // all is a copy up to there
    REQUIRE_FALSE(runs.once());
    std::size_t longest = 0;
    for (const auto& [path, object] : read_tree(*runs.destination.open("/data/.ft-staging")))
        longest = std::max(longest, object.content.size());
    CHECK(longest >= 32 * kMiB);
    runs.cut_source = 0;
    REQUIRE(runs.once());
    CHECK(runs.ours() == wanted);
}

TEST_CASE("a changed big file that came in half costs its changes once, by part and live file", "[rsync]") {
    std::string content = noise(3 * kBig, 3);
    Tree old = old_tree();
    old["big"] = file(content, 1);
    for (const std::size_t at : {10'000u, 900'000u, 2'000'000u})
        content.replace(at, 100'000, noise(100'000, static_cast<std::uint32_t>(at)));
    Tree wanted = old;
    wanted["big"] = file(content);
    const std::size_t cut = GENERATE(90'000u, 150'000u, 220'000u, 290'000u);
    Runs runs{wanted, old};
    runs.cut_source = cut;
    REQUIRE_FALSE(runs.once());
    const auto live = runs.destination.open("/data");
    const bool half = live->status(".ft-staging").has_value() &&
                      !std::as_const(*live).open_directory(".ft-staging")->list().empty();
    runs.cut_source = 0;
    REQUIRE(runs.once());
    CHECK(runs.ours() == wanted);
    REQUIRE(half == (cut >= 150'000));
    // The first change lies in the part, the others in what is left of them.
    CHECK(runs.pulled.bytes_literal < 330'000 - (half ? cut - 60'000 : 0));
}

TEST_CASE("a staged file that was damaged is fetched again, by its difference", "[rsync]") {
    Runs runs{wanted_tree(), old_tree()};
    runs.cut_source = 1'300'000;
    REQUIRE_FALSE(runs.once());
    const auto live = runs.destination.open("/data");
    const auto before = runs.earlier;
    std::string place;
    const auto reserved = live->open_directory(".ft-staging/1");
    for (const auto& [path, object] : read_tree(*reserved))
        if (object.content == noise(kBig, 3)) place = path;
    REQUIRE_FALSE(place.empty());
    reserved->change_file(place)->write_at(kBig / 2, base::as_bytes("!"));
    runs.cut_source = 0;
    REQUIRE(runs.once());
    CHECK(runs.ours() == wanted_tree());
    CHECK(runs.earlier.files > before.files);
    CHECK(runs.pulled.adopted_files == runs.earlier.files);
    CHECK(runs.pulled.bytes_literal < kBig);
    CHECK(runs.pulled.bytes_matched > kBig - 5'000);
}

TEST_CASE("a joined file is the part, and behind it the rest", "[rsync]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    const std::string part = noise(1'000, 1);
    const std::string rest = noise(GENERATE(as<std::size_t>{}, 0, 999, 1'000, 1'001, 5'000), 2);
    root->create_file("part")->write_at(0, base::as_bytes(part));
    root->create_file("rest")->write_at(0, base::as_bytes(rest));
    const bool with_rest = GENERATE(true, false);
    rsync::JoinedFile joined{std::as_const(*root).open_file("part"),
                             with_rest ? std::as_const(*root).open_file("rest") : nullptr};
    const std::string whole = part + (with_rest && rest.size() > 1'000 ? rest.substr(1'000) : "");
    CHECK(joined.status().size == whole.size());
    for (const std::size_t length : {1u, 7u, 1'000u, 10'000u}) {
        for (std::size_t at = 0; at < whole.size() + 10; at += 333) {
            std::string read(length, '\0');
            read.resize(joined.read_at(at, std::as_writable_bytes(std::span{read})));
            REQUIRE(read == (at < whole.size() ? whole.substr(at, length) : ""));
        }
    }
    CHECK_THROWS_AS(joined.write_at(0, {}), base::Error);
    CHECK_THROWS_AS(joined.set_size(0), base::Error);
    CHECK_THROWS_AS(joined.set_attributes({}), base::Error);
    CHECK_THROWS_AS(joined.sync(), base::Error);
}
