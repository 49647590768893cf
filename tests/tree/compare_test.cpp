#include "ft/tree/compare.h"

#include <catch2/catch.hpp>

#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "ft/base/error.h"
#include "ft/base/extended.h"

using namespace ft;
using base::FileType;
using tree::Listing;
using Kind = tree::Difference::Kind;
using Lines = std::vector<std::string>;

namespace {

/// A tree as a table: "d/" is a directory, "d/!" a pinned one, "d/^" a mount point, "d/%" one that is part of
/// the tree, "l@target" a link, else a file.
struct Made {
    std::string text;
    base::Attributes attributes{0644, 1, 1, {5, 6}};
    std::uint64_t size = 3;
    std::string extended{};
};

Listing make_listing(const std::vector<Made>& objects) {
    Listing listing;
    listing.add(".", {FileType::directory, {}, 0, 0, 0, {}}, true);
    for (const Made& made : objects) {
        base::Object object;
        object.attributes = made.attributes;
        object.size = made.size;
        object.extended = made.extended;
        std::string path = made.text;
        const char last = path.back();
        if (last == '!' || last == '^' || last == '%') path.pop_back();
        if (path.ends_with('/')) {
            path.pop_back();
            object.type = FileType::directory;
        }
        if (const std::size_t at = path.find('@'); at != std::string::npos) {
            object.type = FileType::symlink;
            object.link_target = std::string_view{made.text}.substr(at + 1);
            path.resize(at);
        }
        listing.add(path, object, last == '!');
        if (last == '^') listing.mark_mount_point(listing.size() - 1);
        if (last == '%') listing.mark_ground(listing.size() - 1);
    }
    listing.sort();
    listing.require_tree();
    return listing;
}

Listing listing_of(const Lines& texts) {
    std::vector<Made> objects;
    for (const std::string& text : texts) objects.push_back({text});
    return make_listing(objects);
}

Lines differences(const Listing& wanted, const Listing& live, const tree::Rules& rules = {}) {
    static const std::map<Kind, std::string> kWords{
        {Kind::same, "same"},      {Kind::attributes, "attributes"}, {Kind::content, "content"},
        {Kind::added, "added"},    {Kind::replaced, "replaced"},     {Kind::removed, "removed"},
        {Kind::renewed, "renewed"}};
    Lines lines;
    tree::compare(wanted, live, rules, [&](const tree::Difference& difference) {
        if (difference.kind == Kind::removed) CHECK_FALSE(difference.wanted);
        if (difference.kind == Kind::added) CHECK_FALSE(difference.live);
        if (difference.wanted && difference.live)
            CHECK(wanted[*difference.wanted].path == live[*difference.live].path);
        const auto path = difference.wanted ? wanted[*difference.wanted].path : live[*difference.live].path;
        if (path != ".") lines.push_back(kWords.at(difference.kind) + ' ' + std::string{path});
    });
    return lines;
}

std::string complaint(const Listing& wanted, const Listing& live) {
    try {
        differences(wanted, live);
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::unfit);
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("two equal trees differ in nothing", "[tree]") {
    const Lines objects{"a", "b@t", "d/", "d/a", "d/e/"};
    CHECK(differences(listing_of(objects), listing_of(objects)) ==
          Lines{"same a", "same b", "same d", "same d/a", "same d/e"});
}

TEST_CASE("a merge finds what is new and the tops of what goes", "[tree]") {
    CHECK(differences(listing_of({"a", "d/", "d/n", "new/", "new/x"}),
                      listing_of({"a", "b", "d/", "d/o", "old/", "old/x/", "old/x/y"})) ==
          Lines{"same a", "removed b", "same d", "added d/n", "removed d/o", "added new", "added new/x",
                "removed old"});
    CHECK(differences(listing_of(Lines{}), listing_of({"a", "z/", "z/y"})) ==
          Lines{"removed a", "removed z"});
    CHECK(differences(listing_of({"a", "z/"}), listing_of(Lines{})) == Lines{"added a", "added z"});
}

TEST_CASE(
    "what has other extended attributes, or another owner beside them, must be made anew unless it is a "
    "directory",
    "[tree]") {
    const std::string one = base::pack({{"user.a", "1"}});
    const std::string two = base::pack({{"user.a", "2"}});
    const auto difference = [](std::string_view text, std::string_view wanted, std::string_view live,
                               std::uint32_t uid) {
        Made made{std::string{text}};
        made.extended = wanted;
        Made was = made;
        was.extended = live;
        was.attributes.uid = uid;
        return differences(make_listing({made}), make_listing({was})).at(0);
    };
    for (const std::string_view name : {"f", "f@target"}) {
        CHECK(difference(name, one, one, 1) == "same f");
        CHECK(difference(name, one, two, 1) == "renewed f");
        CHECK(difference(name, one, "", 1) == "renewed f");
        CHECK(difference(name, "", one, 1) == "renewed f");
        CHECK(difference(name, one, one, 2) == "renewed f");
        CHECK(difference(name, "", "", 2) == "attributes f");
    }
    CHECK(difference("f/", one, one, 1) == "same f");
    CHECK(difference("f/", one, two, 1) == "attributes f");
    CHECK(difference("f/", one, one, 2) == "attributes f");
}

TEST_CASE("attributes, content and identity are told apart", "[tree]") {
    const Made base{"f"};
    const auto against = [](const Made& wanted, const Made& live) {
        return differences(make_listing({wanted}), make_listing({live})).at(0);
    };
    Made changed = base;
    SECTION("mode") {
        changed.attributes.mode = 0600;
        CHECK(against(changed, base) == "attributes f");
    }
    SECTION("user") {
        changed.attributes.uid = 2;
        CHECK(against(changed, base) == "attributes f");
    }
    SECTION("group") {
        changed.attributes.gid = 2;
        CHECK(against(changed, base) == "attributes f");
    }
    SECTION("size") {
        changed.size = 4;
        CHECK(against(changed, base) == "content f");
    }
    SECTION("a nanosecond") {
        changed.attributes.mtime.nanoseconds = 7;
        CHECK(against(changed, base) == "content f");
    }
    SECTION("an older time") {
        changed.attributes.mtime.seconds = -5;
        CHECK(against(changed, base) == "content f");
    }
    SECTION("a link's target") { CHECK(against({"f@a"}, {"f@b"}) == "replaced f"); }
    SECTION("a file for a link") { CHECK(against({"f"}, {"f@b"}) == "replaced f"); }
    SECTION("a link's mode means nothing") {
        CHECK(against({"f@a", {0777, 1, 1, {5, 6}}}, {"f@a", {0644, 1, 1, {5, 6}}}) == "same f");
    }
    SECTION("a link's time does") {
        CHECK(against({"f@a", {0777, 1, 1, {5, 7}}}, {"f@a", {0777, 1, 1, {5, 6}}}) == "attributes f");
    }
    SECTION("a directory's time does") {
        CHECK(against({"f/", {0755, 1, 1, {6, 6}}}, {"f/", {0755, 1, 1, {5, 6}}}) == "attributes f");
    }
}

TEST_CASE("device numbers make another device, and the two kinds of device differ", "[tree]") {
    const auto device = [](FileType type, std::uint32_t minor) {
        Listing listing;
        listing.add(".", {FileType::directory, {}, 0, 0, 0, {}});
        listing.add("n", {type, {}, 0, 8, minor, {}});
        return listing;
    };
    const Listing live = device(FileType::block_device, 1);
    CHECK(differences(device(FileType::block_device, 1), live) == Lines{"same n"});
    CHECK(differences(device(FileType::block_device, 2), live) == Lines{"replaced n"});
    CHECK(differences(device(FileType::character_device, 1), live) == Lines{"replaced n"});
}

TEST_CASE("a directory and a file of one name replace each other, once", "[tree]") {
    CHECK(differences(listing_of({"x", "y/", "y/a"}), listing_of({"x/", "x/deep/", "x/deep/er", "y"})) ==
          Lines{"replaced x", "replaced y", "added y/a"});
}

TEST_CASE("what the rules hide is not reported, whatever it holds", "[tree]") {
    tree::Rules rules;
    rules.exclude_path(base::RelPath{"etc/hosts"});
    rules.exclude("cache/");
    CHECK(differences(
              listing_of({"cache/", "cache/a/", "cache/a/b", "cached", "etc/", "etc/hosts", "z/", "z/cache"}),
              listing_of({"etc/!", "q"}),
              rules) == Lines{"added cached", "removed q", "same etc", "added z", "added z/cache"});
    SECTION("a hidden directory does not keep a file of its name") {
        CHECK(differences(listing_of({"cache/"}), listing_of({"cache"}), rules) == Lines{"removed cache"});
    }
}

TEST_CASE("a pinned directory that is not wanted stays, what is free in it goes", "[tree]") {
    CHECK(differences(listing_of({"z"}),
                      listing_of({"a/!", "a/b/", "a/b/c", "a/d/!", "a/d/e", "a/f", "m/^"})) ==
          Lines{"added z", "removed a/f", "removed a/b", "removed a/d/e"});
}

TEST_CASE("a pinned directory gives way to nothing", "[tree]") {
    const char* const tail =
        ": is a directory here that holds a mount point or excluded objects, and is none at the source";
    CHECK(complaint(listing_of({"a"}), listing_of({"a/!"})) == std::string{"a"} + tail);
    CHECK(complaint(listing_of({"d/", "d/a@x"}), listing_of({"d/", "d/a/!", "d/a/x"})) ==
          std::string{"d/a"} + tail);
    CHECK(complaint(listing_of({"a"}), listing_of({"a/^"})) == std::string{"a"} + tail);
}

TEST_CASE("a mount point that is part of the tree is compared like any directory, and must be one",
          "[tree]") {
    CHECK(differences(listing_of({"m/", "m/x", "m/y"}), listing_of({"m/%", "m/x", "m/z"})) ==
          Lines{"same m", "same m/x", "added m/y", "removed m/z"});
    const std::string refusal = "m: is a mount point here, and no directory at the source";
    CHECK(complaint(listing_of({}), listing_of({"m/%", "m/x"})) == refusal);
    CHECK(complaint(listing_of({"m"}), listing_of({"m/%", "m/x"})) == refusal);
    CHECK(complaint(listing_of({"a"}), listing_of({"a/!", "a/m/%"})) ==
          "a: is a directory here that holds a mount point or excluded objects, and is none at the source");
}

TEST_CASE("nothing is put below a mount point", "[tree]") {
    CHECK(complaint(listing_of({"m/", "m/x"}), listing_of({"m/^"})) ==
          "m: is a mount point here, and a directory that holds something at the source");
    CHECK(differences(listing_of({"m/", "mx/", "mx/y"}), listing_of({"m/^"})) ==
          Lines{"same m", "added mx", "added mx/y"});
}

TEST_CASE("applying the differences of any two trees gives the wanted one", "[tree]") {
    std::mt19937 random{11};  // NOLINT: the same trees every time
    const auto pick = [&](int below) { return std::uniform_int_distribution<int>{0, below - 1}(random); };
    const auto grow = [&] {
        Lines tree;
        const std::function<void(const std::string&, int)> fill = [&](const std::string& above, int depth) {
            for (const char* name : {"a", "a-", "a.b", "b", "c"}) {
                const int what = pick(4);
                if (what == 0 && depth < 3) {
                    const std::string directory = above + name + '/';
                    tree.push_back(directory);
                    fill(directory, depth + 1);
                } else if (what == 1) {
                    tree.push_back(above + name);
                }
            }
        };
        fill("", 0);
        return tree;
    };
    const auto table = [](const Listing& listing) {
        std::map<std::string, FileType> objects;
        for (std::size_t i = 0; i < listing.size(); ++i) {
            objects[std::string{listing[i].path}] = listing[i].object.type;
        }
        return objects;
    };
    for (int round = 0; round < 300; ++round) {
        const Listing wanted = listing_of(grow());
        const Listing live = listing_of(grow());
        auto result = table(live);
        const auto remove_tree = [&](const std::string& path) {
            REQUIRE(result.contains(path));
            std::erase_if(result, [&](const auto& entry) {
                return entry.first == path || entry.first.starts_with(path + '/');
            });
        };
        tree::compare(wanted, live, {}, [&](const tree::Difference& difference) {
            if (difference.kind == Kind::removed)
                return remove_tree(std::string{live[*difference.live].path});
            const tree::Item item = wanted[*difference.wanted];
            const std::string path{item.path};
            if (difference.kind == Kind::replaced) remove_tree(path);
            if (difference.kind == Kind::added) REQUIRE_FALSE(result.contains(path));
            result[path] = item.object.type;
        });
        REQUIRE(result == table(wanted));
    }
}
