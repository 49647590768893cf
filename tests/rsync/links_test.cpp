#include <catch2/catch.hpp>

#include <random>

#include "rsync/exchange.h"

using namespace ft;
using namespace ft::test;

namespace {

using Groups = std::vector<std::vector<std::string>>;

/// The names of each object that has several, and all that is known of each live object.
struct Names {
    explicit Names(const os::Directory& root) { read(root, ""); }
    Groups groups() const {
        Groups result;
        for (const auto& [inode, names] : by_inode) {
            if (names.size() > 1) result.push_back(names);
        }
        std::sort(result.begin(), result.end());
        return result;
    }
    void read(const os::Directory& directory, const std::string& prefix) {
        for (const os::Name& name : directory.list()) {
            if (name.name == staging::kReservedDirectory) continue;
            const os::Status status = directory.status(name.name).value();
            facts[prefix + name.name] = {status.inode, status.links, status.ctime, status.attributes.mtime};
            if (status.type == base::FileType::directory) {
                read(*directory.open_directory(name.name), prefix + name.name + "/");
            } else {
                by_inode[status.inode].push_back(prefix + name.name);
            }
        }
        for (auto& [inode, names] : by_inode) std::sort(names.begin(), names.end());
    }
    std::map<std::uint64_t, std::vector<std::string>> by_inode;
    std::map<std::string, std::tuple<std::uint64_t, std::uint64_t, base::Timestamp, base::Timestamp>> facts;
};

/// Trees in which the names after the first of each group are further names of it.
struct Linked : Exchange {
    Linked(const Tree& theirs, const Groups& their_links, const Tree& ours, const Groups& our_links)
        : Exchange{theirs, ours} {
        join(source, their_links);
        join(destination, our_links);
    }
    static void join(MemoryDisk& disk, const Groups& groups) {
        const auto root = disk.open("/data");
        const Tree tree = read_tree(*root);
        for (const auto& names : groups) {
            for (std::size_t i = 1; i < names.size(); ++i) {
                if (root->status(names[i])) root->remove(names[i]);
                root->link(names[0], *root, names[i]);
            }
        }
        for (auto each = tree.rbegin(); each != tree.rend(); ++each) {
            if (each->second.type == base::FileType::directory)
                root->set_attributes(each->first, each->second.attributes);
        }
    }
    Groups our_groups() { return Names{*destination.open("/data")}.groups(); }
    Groups their_groups() { return Names{*source.open("/data")}.groups(); }

    /// One pull that makes a replica, groups included, and leaves the live tree alone until the commit.
    void require_replica() {
        const auto live = destination.open("/data");
        const Names before{*live};
        bool untouched = false;
        before_commit = [&] { untouched = Names{*live}.facts == before.facts; };
        run();
        CHECK(pull_error == "");
        CHECK(serve_error == "");
        CHECK(untouched);
        CHECK(ours() == theirs());
        CHECK(our_groups() == their_groups());
    }
    void require_nothing_to_do() {
        require_replica();
        CHECK(served.files_sent == 0);
        CHECK(changes.moves.empty());
        CHECK(changes.settings.empty());
    }
};

const Tree kPlain{{".", directory()}, {"a", file("one")},   {"b", file("one")},
                  {"d", directory()}, {"d/c", file("one")}, {"x", file("other", 5)}};

}  // namespace

TEST_CASE("groups of every kind arrive, across directories, by each protocol", "[rsync]") {
    Linked exchange{{{".", directory()},
                     {"a", file(noise(5000))},
                     {"d", directory()},
                     {"d/e", directory(9)},
                     {"disk", device("8:17")},
                     {"link", link("nowhere")},
                     {"pipe", fifo()},
                     {"plug", {base::FileType::socket, {0600, 1, 2, {3, 0}}, ""}},
                     {"tty", {base::FileType::character_device, {0600, 0, 0, {1, 0}}, "4:65"}},
                     {"whiteout", {base::FileType::character_device, {0, 0, 0, {1, 0}}, "0:0"}},
                     {"z", file("")}},
                    {{"a", "d/a", "d/e/a", "zz"},
                     {"disk", "d/disk"},
                     {"link", "d/link", "another"},
                     {"pipe", "d/e/pipe"},
                     {"plug", "d/plug"},
                     {"tty", "a tty", "d/tty"},
                     {"z", "0"}},
                    {{".", directory()}},
                    {}};
    const int number = GENERATE(30, 31, 32);
    exchange.to_source = exchange.to_destination = {replacing("32.0", std::to_string(number) + ".0")};
    exchange.require_replica();
    CHECK(exchange.served.files_sent == 2);
    CHECK(exchange.pulled.bytes_literal == 5000);
    exchange.require_nothing_to_do();
}

TEST_CASE("a group may have 60,000 names", "[rsync]") {
    Linked exchange{
        {{".", directory()}, {"a", file("one")}, {"d", directory()}}, {}, {{".", directory()}}, {}};
    const auto root = exchange.source.open("/data");
    for (int i = 0; i < 60'000; ++i) root->link("a", *root, "d/" + std::to_string(i));
    REQUIRE(exchange.run());
    const auto live = exchange.destination.open("/data");
    CHECK(live->status("a")->links == 60'001);
    CHECK(live->open_directory("d")->list().size() == 60'000);
    CHECK(exchange.served.files_sent == 1);
    CHECK(exchange.changes.counts.files == 60'001);
}

TEST_CASE("what is linked otherwise than at the source is made anew, without a byte from there", "[rsync]") {
    const auto [there, here] = GENERATE(table<Groups, Groups>({
        {{}, {{"a", "b"}}},
        {{}, {{"a", "b", "d/c"}}},
        {{{"a", "b"}}, {}},
        {{{"a", "b", "d/c"}}, {}},
        {{{"a", "b", "d/c"}}, {{"a", "d/c"}}},
        {{{"a", "d/c"}}, {{"a", "b", "d/c"}}},
        {{{"b", "d/c"}}, {{"a", "b", "d/c"}}},
        {{{"a", "b"}}, {{"b", "d/c"}}},
        {{{"a", "b", "new", "d/new"}}, {{"a", "b"}}},
        {{{"a", "b"}}, {{"a", "b", "old", "d/old"}}},
        {{{"a", "0"}}, {{"a", "old"}}},
    }));
    Linked exchange{kPlain, there, kPlain, here};
    exchange.require_replica();
    CHECK(exchange.served.files_sent == 0);
    exchange.require_nothing_to_do();
}

TEST_CASE("a group that is in place is changed by its changes", "[rsync]") {
    Tree later = kPlain;
    const Groups groups{{"a", "b", "d/c"}};
    SECTION("attributes: one change for all names") {
        for (const char* name : {"a", "b", "d/c"}) later[name].attributes.mode = 0600;
        Linked exchange{later, groups, kPlain, groups};
        exchange.require_replica();
        CHECK(exchange.served.files_sent == 0);
        CHECK(exchange.changes.counts.attributes == 1);
        CHECK(exchange.changes.counts.files == 0);
    }
    SECTION("content: one file for all names, by its changes, whichever name was here") {
        const std::string before = noise(100'000);
        for (const char* name : {"a", "b", "d/c"}) later[name] = file(before + "tail", 2);
        Tree ours = kPlain;
        ours.erase(GENERATE(as<std::string>{}, "x", "a", "b"));
        for (const char* name : {"a", "b", "d/c"}) {
            if (ours.contains(name)) ours[name] = file(before, 1);
        }
        Linked exchange{later, groups, ours, {}};
        exchange.require_replica();
        CHECK(exchange.served.files_sent == (ours.contains("x") ? 1 : 2));
        CHECK(exchange.pulled.bytes_literal < 2000);
    }
}

TEST_CASE("a name of a group that the rules hide here is no name of it", "[rsync]") {
    Linked exchange{kPlain, {{"a", "b", "d/c"}}, kPlain, {}};
    exchange.rules.exclude(GENERATE("/a", "/b", "d/c"));
    exchange.run();
    CHECK(exchange.pull_error == "");
    CHECK(exchange.our_groups().size() == 1);
    CHECK(exchange.our_groups()[0].size() == 2);
    CHECK(exchange.ours() == exchange.theirs());
}

TEST_CASE("of a file that vanishes each other name is asked for until one comes", "[rsync]") {
    const std::vector<std::string> names{"a", "b", "c", "e", "f"};
    Tree theirs = kPlain;
    for (const std::string& name : names) theirs[name] = kPlain.at("a");
    // The names that are here lead: they have a basis.
    Tree ours{{".", directory()}};
    for (const char* name : GENERATE(std::vector<const char*>{"a"}, std::vector<const char*>{"e", "f"}))
        ours[name] = file("old", 1);
    Linked exchange{theirs, {names, {"x", "y"}}, ours, {}};
    exchange.options.live = true;
    const unsigned gone = GENERATE(range(0U, 32U));  // a bit for each name
    INFO("gone: " << gone);
    exchange.options.on_need = [&](const rsync::Need&, const auto&) {
        for (std::size_t i = 0; i < names.size(); ++i) {
            if ((gone >> i & 1) != 0) exchange.source.open("/data")->remove(names[i]);
        }
    };
    REQUIRE(exchange.run());
    // What follows a leader that is there is not asked for, and is not found to be gone.
    const Tree now = exchange.theirs();
    const std::string leader = ours.contains("a") ? "a" : "e";
    std::vector<std::string> left;
    bool found = now.contains(leader);
    for (const std::string& name : names) {
        found = found || now.contains(name);
        if (name == leader ? now.contains(name) : found) left.push_back(name);
    }
    Groups groups = exchange.our_groups();
    std::erase(groups, std::vector<std::string>{"x", "y"});
    CHECK(groups == (left.size() > 1 ? Groups{left} : Groups{}));
    for (const std::string& name : names) {
        const bool is_left = std::find(left.begin(), left.end(), name) != left.end();
        CHECK(exchange.ours().contains(name) == is_left);
        if (is_left) CHECK(exchange.ours().at(name) == theirs.at(name));
    }
    CHECK(exchange.ours().at("x").content == "other");
    CHECK(exchange.serve_error == "");
}

TEST_CASE("names of one object on two file systems here end the pull before anything is staged", "[rsync]") {
    Linked exchange{kPlain, {{"a", "d/c"}}, {{".", directory()}, {"d", directory()}}, {}};
    exchange.destination.mount("/data/d");
    const auto live = exchange.destination.open("/data");
    const auto mounted = exchange.destination.open("/data/d");
    std::vector<staging::Ground> grounds;
    grounds.push_back({{}, live.get(), staging::open_reserved(*live)});
    grounds.push_back({base::RelPath{"d"}, mounted.get(), staging::open_reserved(*mounted)});
    staging::Staging staging{std::move(grounds), ""};
    auto [one, other] = make_pipe({}, {});
    std::thread serving{[&, &server = *one] {
        const auto root = exchange.source.open("/data");
        base::Progress progress;
        base::Cancellation cancellation;
        CHECK_THROWS_AS(rsync::serve(server, exchange.serve_options(*root), progress, cancellation),
                        base::Error);
    }};
    base::Progress progress;
    base::Cancellation cancellation;
    CHECK_THROWS_WITH(
        rsync::pull(*other, *live, exchange.rules, staging, exchange.options, progress, cancellation),
        "d/c: is a hard link to a at the source, and lies on another file system here");
    serving.join();
}

TEST_CASE("more names than a file system gives one object end the pull before anything is staged",
          "[rsync]") {
    const Groups groups{{"a", "b", "d/c"}};
    SECTION("a new object") {
        Linked exchange{kPlain, groups, kPlain, {}};
        exchange.destination.set_most_names(2);
        CHECK_FALSE(exchange.run());
        CHECK(exchange.pull_error ==
              "a: has 3 hard links at the source, and its file system here gives one file 2");
        CHECK(exchange.pull_error_kind == base::ErrorKind::unfit);
    }
    SECTION("as many as it gives") {
        Linked exchange{kPlain, groups, kPlain, {}};
        exchange.destination.set_most_names(3);
        exchange.require_replica();
    }
    SECTION("one that stays") {
        Linked exchange{kPlain, groups, kPlain, groups};
        exchange.destination.set_most_names(2);
        exchange.require_nothing_to_do();
    }
}

TEST_CASE("a live file that changes while it is copied for a group ends the pull", "[rsync]") {
    Linked exchange{kPlain, {{"a", "b"}}, kPlain, {}};
    exchange.options.on_need = [&](const rsync::Need&, const auto&) {
        exchange.destination.open("/data")->set_attributes("a", {0644, 0, 0, {99, 0}});
    };
    exchange.run();
    CHECK(exchange.pull_error == "a: changed during the run");
    CHECK(exchange.our_groups().empty());
}

TEST_CASE("any tree becomes any other, groups included", "[rsync]") {
    const int seed = GENERATE(range(0, 150));
    std::mt19937 random{static_cast<std::uint32_t>(seed)};
    const auto below = [&](std::uint32_t end) { return random() % end; };
    INFO("seed " << seed);
    const bool verify = below(2) == 0;  // then contents differ that size and time do not tell apart
    const std::vector<std::string> names{"a", "b", "c", "d/a", "d/b", "e/a", "e/d/b", "e/d"};
    const auto make = [&](Tree& tree, Groups& groups) {
        tree = {{".", directory()}, {"d", directory()}, {"e", directory()}};
        const bool deep = below(2) == 0;
        if (deep) tree["e/d"] = directory();
        for (const std::string& name : names) {
            if (below(4) == 0 || (name == "e/d/b" && !deep) || (name == "e/d" && deep)) continue;
            switch (below(6)) {
                case 0:
                    tree[name] = fifo();
                    break;
                case 1:
                    tree[name] = link("somewhere");
                    break;
                default:
                    tree[name] = file(below(3) > 0 ? "one"
                                      : verify     ? "two"
                                                   : "other",
                                      1 + static_cast<int>(below(2)), below(3) == 0 ? 0600 : 0644);
            }
            for (auto& group : groups) {
                if (below(groups.size() + 1) == 0) {
                    group.push_back(name);
                    tree.erase(name);
                    break;
                }
            }
            if (tree.contains(name) && below(2) == 0) groups.push_back({name});
        }
    };
    Tree trees[2];
    Groups groups[2];
    for (int side : {0, 1}) make(trees[side], groups[side]);
    Linked exchange{trees[0], groups[0], trees[1], groups[1]};
    exchange.options.verify_content = verify;
    exchange.require_replica();
    exchange.require_nothing_to_do();
}
