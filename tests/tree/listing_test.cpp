#include "ft/tree/listing.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <chrono>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "ft/base/error.h"

using namespace ft;
using base::FileType;
using tree::Listing;

namespace {

/// The key of docs/protocol.md, "Sort order", as it is written there.
std::vector<std::pair<int, std::string>> key_of(const std::string& path, bool directory) {
    if (path == "." && directory) return {};
    std::vector<std::pair<int, std::string>> key;
    std::size_t from = 0;
    for (std::size_t slash; (slash = path.find('/', from)) != std::string::npos; from = slash + 1) {
        key.emplace_back(1, path.substr(from, slash - from) + '/');
    }
    if (directory) {
        key.emplace_back(1, path.substr(from) + '/');
    } else {
        key.emplace_back(0, path.substr(from));
    }
    return key;
}

int sign(int number) { return (number > 0) - (number < 0); }

base::Object object(FileType type, std::uint64_t size = 0) {
    base::Object result;
    result.type = type;
    result.size = size;
    return result;
}

/// A listing of names; a '/' behind makes a directory.
Listing listing_of(const std::vector<std::string>& names) {
    Listing listing;
    for (std::string name : names) {
        const bool directory = name == "." || name.ends_with('/');
        if (name.ends_with('/')) name.pop_back();
        listing.add(name, object(directory ? FileType::directory : FileType::regular));
    }
    listing.sort();
    return listing;
}

std::vector<std::string> names_of(const Listing& listing) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < listing.size(); ++i) {
        names.push_back(std::string{listing[i].path} + (listing[i].is_directory() ? "/" : ""));
    }
    return names;
}

std::string complaint(const Listing& listing) {
    try {
        listing.require_tree();
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::peer);
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("paths compare as the protocol's key says", "[tree]") {
    std::mt19937 random{7};  // NOLINT: the same pairs every time
    const auto pick = [&](int below) { return std::uniform_int_distribution<int>{0, below - 1}(random); };
    static constexpr std::string_view kBytes = "ab-.0\x7f\xff";
    const auto path = [&] {
        std::string text;
        for (int component = 1 + pick(4); component > 0; --component) {
            for (int length = 1 + pick(3); length > 0; --length) {
                text += kBytes[static_cast<std::size_t>(pick(static_cast<int>(kBytes.size())))];
            }
            if (component > 1) text += '/';
        }
        return text;
    };
    for (int pair = 0; pair < 100'000; ++pair) {
        const std::string a = path();
        // Half of the pairs share a beginning, so that what follows it decides.
        std::string b = path();
        if (pick(2) == 0) b = a.substr(0, static_cast<std::size_t>(pick(static_cast<int>(a.size())) + 1)) + b;
        if (pick(16) == 0) b = a;
        const bool a_directory = pick(2) == 0;
        const bool b_directory = pick(2) == 0;
        const auto a_key = key_of(a, a_directory);
        const auto b_key = key_of(b, b_directory);
        const int expected = a_key < b_key ? -1 : static_cast<int>(b_key < a_key);
        if (sign(tree::compare_paths(a, a_directory, b, b_directory)) != expected) {
            FAIL(a << (a_directory ? "/" : "") << " and " << b << (b_directory ? "/" : ""));
        }
    }
}

TEST_CASE("a directory is followed by all it holds, files come before directories", "[tree]") {
    const Listing listing =
        listing_of({"foo/", "foo-bar/", "foo/b", "z", ".", "foo/a/", "foo/a/c", "foo-bar/x", "foo.txt"});
    CHECK(names_of(listing) == std::vector<std::string>{"./", "foo.txt", "z", "foo-bar/", "foo-bar/x", "foo/",
                                                        "foo/b", "foo/a/", "foo/a/c"});
    CHECK(listing.arrival(0) == 4);
}

TEST_CASE("a listing gives back what was added", "[tree]") {
    Listing listing;
    base::Object link = object(FileType::symlink, 6);
    link.link_target = "target";
    link.attributes = {0777, 4294967294u, 5, {-7, 999'999'999}};
    base::Object device = object(FileType::block_device);
    device.device_major = 4095;
    device.device_minor = 1'048'575;
    listing.add("b", link);
    listing.add("a", device, true);
    listing.add("c", object(FileType::regular, 9'223'372'036'854'775'807u));
    listing.set_owner(2, 8, 9);
    listing.add("d", object(FileType::directory));
    listing.mark_mount_point(3);
    listing.sort();

    CHECK(listing[0].path == "a");
    CHECK(listing[0].pinned);
    CHECK_FALSE(listing[0].mount_point);
    CHECK(listing[0].object.device_major == 4095);
    CHECK(listing[0].object.device_minor == 1'048'575);
    CHECK(listing[0].object.size == 0);
    CHECK(listing[1].object.link_target == "target");
    CHECK(listing[1].object.attributes == link.attributes);
    CHECK(listing[1].object.size == 6);
    CHECK_FALSE(listing[1].pinned);
    CHECK(listing[2].object.size == 9'223'372'036'854'775'807u);
    CHECK(listing[2].object.attributes == base::Attributes{0, 8, 9, {}});
    CHECK(listing[3].pinned);
    CHECK(listing[3].mount_point);
    CHECK(listing.totals() == tree::Totals{4, 1, 1, 9'223'372'036'854'775'807u});
}

TEST_CASE("every name is found, whatever it is, and no other", "[tree]") {
    const Listing listing = listing_of({".", "a", "b/", "b/a", "b/c/", "b/c/d", "b-/", "c"});
    for (std::size_t i = 0; i < listing.size(); ++i) CHECK(listing.find(listing[i].path) == i);
    for (const char* none : {"", "b/", "b/b", "b/a/x", "d", "b-/a"}) CHECK_FALSE(listing.find(none));
}

TEST_CASE("a list that is no tree is refused by name", "[tree]") {
    CHECK(complaint(listing_of({".", "a", "b/", "b/c", "b/d/", "b/d/e", "f/"})).empty());
    CHECK(complaint(Listing{}) == "file list: it is empty");
    CHECK(complaint(listing_of({"a"})) == "file list: a comes first, not the directory that is the tree");
    CHECK(complaint(listing_of({".", "."})) == "file list: . is listed twice");
    CHECK(complaint(listing_of({".", "a", "a"})) == "file list: a is listed twice");
    CHECK(complaint(listing_of({".", "a/", "a/"})) == "file list: a is listed twice");
    CHECK(complaint(listing_of({".", "a/", "a/x", "a"})) == "file list: a is listed twice");
    CHECK(complaint(listing_of({".", "d/", "d/a", "d/b", "d/a/"})) == "file list: d/a is listed twice");
    CHECK(complaint(listing_of({".", "a/b"})) == "file list: a/b lies in no directory of the list");
    CHECK(complaint(listing_of({".", "a", "a/b"})) == "file list: a/b lies in no directory of the list");
    CHECK(complaint(listing_of({".", "a/", "a/b/c\n"})) ==
          "file list: a/b/c\\x0a lies in no directory of the list");
    CHECK(complaint(listing_of({".", "a/", "a/b", "ab/c"})) ==
          "file list: ab/c lies in no directory of the list");

    Listing dot;
    dot.add(".", object(FileType::directory));
    dot.add(".", object(FileType::symlink));
    dot.sort();
    CHECK(complaint(dot) == "file list: . is listed twice");
    Listing unsorted;
    unsorted.add(".", object(FileType::directory));
    unsorted.add("b", object(FileType::regular));
    unsorted.add("a", object(FileType::regular));
    CHECK(complaint(unsorted) == "file list: a is out of order");
}

TEST_CASE("a million entries take at most 60 bytes each besides their paths, and sort", "[tree]") {
    std::mt19937 random{3};  // NOLINT: the same names every time
    std::uniform_int_distribution<int> number{0, 999'999'999};
    Listing listing;
    std::size_t path_bytes = 0;
    for (int i = 0; i < 1'000'000; ++i) {
        const std::string path = fmt::format("uploads/{:02}/file-{:09}.jpg", i % 64, number(random));
        path_bytes += path.size();
        listing.add(path, object(FileType::regular, 1));
    }
    CHECK(listing.memory() - path_bytes <= 60'000'000);
    listing.sort();
    std::size_t disordered = 0;
    for (std::size_t i = 1; i < listing.size(); ++i) {
        if (tree::compare_paths(listing[i - 1].path, false, listing[i].path, false) > 0) ++disordered;
    }
    CHECK(disordered == 0);
}

TEST_CASE("groups are numbered, and lead from name to name, in sorted order", "[tree]") {
    Listing listing;
    listing.add(".", object(FileType::directory));
    for (const char* name : {"z", "d/z", "x", "b", "y", "a", "alone"})
        listing.add(name, object(FileType::regular));
    listing.add("d", object(FileType::directory));
    listing.link(3, 1);  // x to z
    listing.link(6, 2);  // a to d/z
    listing.link(5, 1);  // y to z
    listing.sort();
    std::vector<std::vector<std::string>> groups;
    for (std::size_t group = 0; group < listing.groups(); ++group) {
        groups.emplace_back();
        for (auto at = std::optional{listing.first_of(group)}; at; at = listing.next_of(*at)) {
            groups.back().emplace_back(listing[*at].path);
            CHECK(listing.group(*at) == group);
            CHECK(listing[*at].linked);
        }
    }
    std::sort(groups.begin(), groups.end());
    CHECK(groups == std::vector<std::vector<std::string>>{{"a", "d/z"}, {"x", "y", "z"}});
    for (const char* name : {".", "alone", "b", "d"}) CHECK(!listing.group(*listing.find(name)));
}

TEST_CASE("a million names of groups cost about 100 bytes each", "[tree]") {
    Listing listing;
    listing.add(".", object(FileType::directory));
    constexpr std::size_t kNames = 1'000'000;
    for (std::size_t i = 0; i < kNames; ++i) {
        listing.add(fmt::format("file-{:07}", i), object(FileType::regular));
        if (i % 2 == 1) listing.link(i + 1, i);
    }
    listing.sort();
    CHECK(listing.groups() == kNames / 2);
    CHECK(listing.memory() < 100 * kNames);
}
