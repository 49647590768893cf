#include <catch2/catch.hpp>

#include "rsync/exchange.h"

using namespace ft;
using namespace ft::test;

namespace {

/// Two pulls into the same staging, between which the source may change.
struct TwoPulls : Exchange {
    using Exchange::Exchange;
    std::unique_ptr<os::Directory> live = destination.open("/data");
    staging::Staging staging{*live, staging::open_reserved(*live)};
    rsync::Need need;
    rsync::Pulled first;
    rsync::Pulled second;
    Tamper tamper_later = [](std::string&) {};

    rsync::Pulled once() {
        options.on_need = [&](const rsync::Need& found, const auto&) { need = found; };
        auto [one, other] = make_pipe({.piece = piece}, {.piece = piece});
        Tampered server{std::move(one), to_destination};
        Tampered client{std::move(other), to_source};
        std::thread serving{[&] {
            const auto root = source.open("/data");
            base::Progress progress;
            base::Cancellation cancellation;
            served = rsync::serve(server, serve_options(*root), progress, cancellation);
        }};
        base::Progress progress;
        base::Cancellation cancellation;
        const rsync::Pulled result =
            rsync::pull(client, *live, rules, staging, options, progress, cancellation);
        serving.join();
        CHECK(progress.bytes_done == progress.bytes_wanted);
        CHECK(progress.files_done == progress.files_wanted);
        return result;
    }
    /// The source becomes `later` between the two.
    void run(const Tree& later) {
        const Tree before = ours();
        options.live = true;
        first = once();
        staging.begin_again();
        write_tree(*source.open("/data"), later);
        options.live = false;
        to_destination = {tamper_later};
        second = once();
        changes = staging.finish();
        CHECK(without_staging(read_tree(*live)) == without_staging(before));
        CHECK_FALSE(live->status(".ft-staging/1"));
        apply(*live);
        staging::free_staged(*live);
    }
    static Tree without_staging(Tree tree) {
        std::erase_if(tree, [](const auto& each) { return each.first.starts_with(".ft-staging"); });
        return tree;
    }
};

Tree old_tree() {
    return {{".", directory()},       {"changed", file(noise(50'000, 3), 1)},
            {"gone", file("gone")},   {"kept", file("kept")},
            {"was-dir", directory()}, {"was-dir/x", file("x")}};
}

Tree wanted_tree() {
    return {{".", directory()},
            {"changed", file(noise(50'000, 4), 2)},
            {"kept", file("kept")},
            {"new", file(noise(20'000))},
            {"new-dir", directory()},
            {"new-dir/deep", directory(1'500'000'000, 0711)},
            {"new-dir/deep/file", file(noise(30'000, 5))},
            {"new-dir/link", link("deep/file")},
            {"was-dir", file("a file where a directory was")}};
}

}  // namespace

TEST_CASE("what has not changed since the first pull is adopted by the second, and nothing is asked for",
          "[rsync]") {
    TwoPulls pulls{wanted_tree(), old_tree()};
    pulls.run(wanted_tree());
    CHECK(pulls.first.bytes_literal == 50'000 + 20'000 + 30'000 + 28);
    CHECK(pulls.second.bytes_literal + pulls.second.bytes_matched == 0);
    CHECK(pulls.served.files_sent == 0);
    CHECK(pulls.need.bytes == 0);
    CHECK(pulls.need.inodes == 3);  // two directories and a link
    CHECK(pulls.ours() == wanted_tree());
    CHECK(pulls.changes.counts.files == 4);
    CHECK(pulls.changes.counts.others == 3);
    CHECK(pulls.changes.counts.removed == 1);
}

TEST_CASE("what changed since the first pull costs its changes, with what was staged as the basis",
          "[rsync]") {
    Tree later = wanted_tree();
    later["changed"] = file(noise(50'000, 4) + "tail", 3);
    later["new-dir/deep/file"] = file("head" + noise(30'000, 5), 9);
    later["new"].attributes.mode = 0600;
    later["new"].attributes.uid = 7;
    later["kept"] = file("kept no more", 4);
    TwoPulls pulls{wanted_tree(), old_tree()};
    SECTION("the default basis") {}
    SECTION("a basis of the caller's") {
        pulls.options.basis = [](const base::RelPath&) { return nullptr; };
    }
    pulls.run(later);
    CHECK(pulls.ours() == later);
    CHECK(pulls.served.files_sent == 3);
    CHECK(pulls.need.bytes == 50'004 + 30'004 + 12);
    CHECK(pulls.second.bytes_literal < 3000);
    CHECK(pulls.second.bytes_matched > 75'000);
}

TEST_CASE("a path that became something else between two pulls is that", "[rsync]") {
    Tree later = wanted_tree();
    later["new"] = directory();
    later["new/file"] = file("below what was a file");
    later["new-dir/link"] = directory();
    later["new-dir/link/file"] = file("below what was a link");
    later["new-dir/deep"] = file("where a directory was");
    later.erase("new-dir/deep/file");
    later["was-dir"] = directory();
    later["was-dir/x"] = file("x");
    later["changed"] = old_tree()["changed"];
    later["gone"] = file("gone");
    TwoPulls pulls{wanted_tree(), old_tree()};
    pulls.run(later);
    CHECK(pulls.ours() == later);
    CHECK(pulls.served.files_sent == 3);
}

TEST_CASE("an answer that does not fit is asked for once more, with the same basis", "[rsync]") {
    Tree later = wanted_tree();
    later["new"] = file(noise(20'000) + "the tail", 3);
    TwoPulls pulls{wanted_tree(), old_tree()};
    pulls.tamper_later = replacing("the tail", "not that", 1);
    pulls.run(later);
    CHECK(pulls.ours() == later);
    CHECK(pulls.served.files_sent == 2);
    CHECK(pulls.second.bytes_matched > 38'000);
}

TEST_CASE("of a group that was staged one name is adopted, whichever leads now, and the others follow",
          "[rsync]") {
    Tree theirs = wanted_tree();
    theirs["new-dir/deep/twin"] = theirs["new"] = theirs["kept"] = file(noise(20'000), 7);
    TwoPulls pulls{theirs, old_tree()};
    const auto source = pulls.source.open("/data");
    const auto join = [&](const std::string& from, const std::string& to) {
        if (source->status(to)) source->remove(to);
        source->link(from, *source, to);
    };
    join("kept", "new");
    join("kept", "new-dir/deep/twin");
    const Tree before = pulls.ours();
    pulls.first = pulls.once();
    pulls.staging.begin_again();
    const bool parted = GENERATE(false, true);
    if (parted) {  // the one that led is a file of its own now
        source->remove("kept");
        source->create_file("kept")->write_at(0, base::as_bytes("another"));
    } else {
        join("kept", "0 comes first");
    }
    pulls.second = pulls.once();
    pulls.changes = pulls.staging.finish();
    CHECK(TwoPulls::without_staging(read_tree(*pulls.live)) == before);
    pulls.apply(*pulls.live);
    staging::free_staged(*pulls.live);
    CHECK(pulls.ours() == pulls.theirs());
    const auto inode = [&](const char* path) { return pulls.live->status(path).value().inode; };
    CHECK(inode("new") == inode("new-dir/deep/twin"));
    CHECK((inode("new") == inode("kept")) == !parted);
    CHECK(pulls.live->status("new")->links == (parted ? 2 : 4));
    CHECK(pulls.second.bytes_literal == (parted ? 20'007 : 0));
}
