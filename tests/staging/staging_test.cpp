#include "ft/staging/staging.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <map>

#include "ft/base/bytes.h"
#include "ft/base/error.h"
#include "support/memory_disk.h"

namespace ft::staging {
namespace {

using base::Attributes;
using base::FileType;
using base::RelPath;
using test::MemoryDisk;
using test::Tree;

constexpr Attributes kFile{04640, 3, 4, {1700000000, 123456789}};
constexpr Attributes kDirectory{0555, 5, 6, {1600000000, 987654321}};
constexpr Attributes kLink{0777, 7, 8, {1500000000, 1}};

const Tree kLive{{".", {FileType::directory, {0755, 0, 0, {1, 2}}, ""}},
                 {"file", {FileType::regular, {0600, 1, 1, {3, 4}}, "old"}},
                 {"directory", {FileType::directory, {0700, 1, 1, {5, 6}}, ""}},
                 {"directory/x", {FileType::regular, {0600, 1, 1, {7, 8}}, "x"}}};

struct Fixture {
    MemoryDisk disk;
    std::unique_ptr<os::Directory> root;
    Fixture() {
        disk.open("/")->create_directory("data");
        disk.mount("/data");
        root = disk.open("/data");
        test::write_tree(*root, kLive);
    }
    /// What lies in the slots of a generation, without its log.
    Tree slots(int generation = 1) const {
        Tree tree =
            test::read_tree(*std::as_const(*root).open_directory(generation_path(Generation(generation))));
        tree.erase("log");
        tree.erase("origin");
        return tree;
    }
    /// A run that is killed after `steps`.
    void killed(const std::function<void(Staging&)>& steps) {
        {
            Staging staging{*root, open_reserved(*root)};
            steps(staging);
            disk.lose_power();
        }
        disk.restart(test::Seed{1});
        root = disk.open("/data");
    }
    Tree live() const { return test::read_tree(*root); }
    std::uint64_t inode(const std::string& path) const { return root->status(path).value().inode; }
};

void add_file(Staging& staging, const std::string& path, Over over, const std::string& content) {
    const auto slot = staging.create_file(RelPath{path}, over, base::DigestKind::md5, nullptr);
    slot->append(base::as_bytes(content));
    slot->finish(kFile);
}

base::Object directory() { return {.type = FileType::directory, .attributes = kDirectory}; }
base::Object link(std::string_view target) {
    return {.type = FileType::symlink, .attributes = kLink, .link_target = target};
}

std::map<std::string, Move> by_path(const ChangeList& list) {
    std::map<std::string, Move> result;
    for (const Move& move : list.moves) result.emplace(move.path.bytes(), move);
    return result;
}

TEST_CASE("a staging that holds nothing has nothing to settle, and is durable for a commit", "[staging]") {
    Fixture f;
    Staging staging{*f.root, open_reserved(*f.root)};
    f.disk.fail(1, "sync", EIO);
    staging.settle();
    SECTION("one that a commit will name is synced") { CHECK(staging.finish().moves.empty()); }
    SECTION("one that removes does") { staging.remove(RelPath{"file"}); }
    SECTION("one that sets attributes does") {
        staging.change_attributes(RelPath{"directory"}, kDirectory, kFile);
    }
    SECTION("one that makes does") { add_file(staging, "new", Over::nothing, ""); }
    CHECK_THROWS_AS(staging.sync(), base::Error);
}

TEST_CASE("a new directory is one change with all it holds, complete when finish returns", "[staging]") {
    Fixture f;
    Staging staging{*f.root, open_reserved(*f.root)};
    staging.create(RelPath{"new"}, Over::nothing, directory());
    staging.create(RelPath{"new/deep"}, Over::nothing, directory());
    add_file(staging, "new/deep/file", Over::nothing, "content");
    staging.create(RelPath{"new/deep/link"}, Over::nothing, link("file"));
    staging.create(RelPath{"new/fifo"}, Over::nothing, {.type = FileType::fifo, .attributes = kFile});
    CHECK(staging.is_new(RelPath{"new/deep/file"}));
    CHECK_FALSE(staging.is_new(RelPath{"new"}));
    CHECK_FALSE(staging.is_new(RelPath{"directory/x"}));
    // Until then nobody else enters it, whatever its mode will be.
    CHECK(f.slots()["1"].attributes.mode == 0700);

    const ChangeList list = staging.finish();
    REQUIRE(list.moves.size() == 1);
    CHECK(list.moves[0].kind == MoveKind::place);
    CHECK(list.moves[0].path == RelPath{"new"});
    CHECK(list.moves[0].inode == f.inode(slot_path(list.generation, list.moves[0].slot)));
    CHECK(list.counts.files == 1);
    CHECK(list.counts.others == 4);
    Tree slots = f.slots();
    slots.erase(".");
    CHECK(slots == Tree{{"1", {FileType::directory, kDirectory, ""}},
                        {"1/deep", {FileType::directory, kDirectory, ""}},
                        {"1/deep/file", {FileType::regular, kFile, "content"}},
                        {"1/deep/link", {FileType::symlink, {0, 7, 8, kLink.mtime}, "file"}},
                        {"1/fifo", {FileType::fifo, kFile, ""}}});
    CHECK(f.live() == kLive);
}

TEST_CASE("what was settled is complete and durable, and more may follow", "[staging]") {
    Fixture f;
    Staging staging{*f.root, open_reserved(*f.root)};
    staging.create(RelPath{"new"}, Over::nothing, directory());
    staging.create(RelPath{"new/deep"}, Over::nothing, directory());
    add_file(staging, "new/deep/file", Over::nothing, "content");
    staging.settle();
    CHECK(f.slots()["1"].attributes == kDirectory);
    CHECK(f.slots()["1/deep"].attributes == kDirectory);
    add_file(staging, "new/deep/more", Over::nothing, "more");
    CHECK(f.slots()["1/deep"].attributes != kDirectory);
    CHECK(staging.finish().moves.size() == 1);
    CHECK(f.slots()["1"].attributes == kDirectory);
    CHECK(f.slots()["1/deep"].attributes == kDirectory);
    CHECK(f.slots()["1/deep/more"].content == "more");
}

TEST_CASE("changes of what is live carry slot, inode and attributes", "[staging]") {
    Fixture f;
    Staging staging{*f.root, open_reserved(*f.root)};
    add_file(staging, "file", Over::something, "new");
    staging.create(RelPath{"directory/link"}, Over::nothing, link("x"));
    staging.remove(RelPath{"directory/x"});
    staging.change_attributes(RelPath{"directory"}, kLive.at("directory").attributes, kDirectory);
    const ChangeList list = staging.finish();
    const auto changes = by_path(list);
    REQUIRE(changes.size() == 3);
    CHECK(changes.at("file").kind == MoveKind::replace);
    CHECK(changes.at("file").inode == f.inode(slot_path(list.generation, changes.at("file").slot)));
    CHECK(changes.at("directory/link").kind == MoveKind::place);
    CHECK(changes.at("directory/link").inode ==
          f.inode(slot_path(list.generation, changes.at("directory/link").slot)));
    CHECK(changes.at("directory/x").kind == MoveKind::remove);
    CHECK(changes.at("directory/x").inode == f.inode("directory/x"));
    CHECK_FALSE(f.root->status(slot_path(list.generation, changes.at("directory/x").slot)));
    REQUIRE(list.settings.size() == 1);
    CHECK(list.settings[0].path == RelPath{"directory"});
    CHECK(list.settings[0].inode == f.inode("directory"));
    CHECK(Setting::attributes(list.settings[0].before) == kLive.at("directory").attributes);
    CHECK(Setting::attributes(list.settings[0].after) == kDirectory);
    CHECK(list.counts.files == 1);
    CHECK(list.counts.others == 1);
    CHECK(list.counts.removed == 1);
    CHECK(list.counts.attributes == 1);
    CHECK(f.live() == kLive);
    staging.discard();
    staging.discard();
    CHECK(f.root->status(".ft-staging"));
    free_staged(*f.root);
    free_staged(*f.root);
    CHECK(f.live() == kLive);
}

TEST_CASE("left-overs of an earlier run are removed, and nothing of the live tree changes", "[staging]") {
    Fixture f;
    f.killed([](Staging& killed) {
        killed.create(RelPath{"new"}, Over::nothing, directory());
        add_file(killed, "new/file", Over::nothing, "left over");
    });
    f.root->create_file(".ft-staging/noise");
    CHECK(f.slots().size() == 3);
    const Staging staging{*f.root, open_reserved(*f.root)};
    CHECK(f.slots().size() == 1);
    CHECK_FALSE(f.root->status(".ft-staging/noise"));
    CHECK(f.live() == kLive);
}

TEST_CASE("a reserved directory that is not root's alone is refused", "[staging]") {
    Fixture f;
    const auto refused = [&](const std::string& why) {
        CHECK_THROWS_WITH(open_reserved(*f.root), Catch::Equals("/data/.ft-staging: " + why));
    };
    SECTION("a link") {
        f.root->create_symlink(".ft-staging", "directory");
        refused("is no directory");
    }
    SECTION("a file") {
        f.root->create_file(".ft-staging");
        refused("is no directory");
    }
    SECTION("others may enter") {
        f.root->create_directory(".ft-staging");
        f.root->set_attributes(".ft-staging", {0711, 0, 0, {}});
        refused("does not belong to root alone (mode 0700)");
    }
    SECTION("another owner") {
        f.root->create_directory(".ft-staging");
        f.root->set_attributes(".ft-staging", {0700, 1000, 0, {}});
        refused("does not belong to root alone (mode 0700)");
    }
    SECTION("another file system") {
        f.root->create_directory(".ft-staging");
        f.disk.mount("/data/.ft-staging");
        refused("lies on another file system than the tree");
    }
}

TEST_CASE("a second pull adopts files of the first, wherever they lie, and the rest goes", "[staging]") {
    Fixture f;
    Staging staging{*f.root, open_reserved(*f.root)};
    staging.create(RelPath{"new"}, Over::nothing, directory());
    staging.create(RelPath{"new/deep"}, Over::nothing, directory());
    add_file(staging, "new/deep/file", Over::nothing, "deep");
    staging.create(RelPath{"new/link"}, Over::nothing, link("deep"));
    add_file(staging, "file", Over::something, "new");
    add_file(staging, "directory/y", Over::nothing, "unwanted");
    staging.remove(RelPath{"directory/x"});
    const auto deep = f.inode(".ft-staging/1/1/deep/file");
    CHECK_FALSE(staging.can_adopt(RelPath{"file"}, 3, kFile.mtime));  // nothing is earlier than the first
    staging.begin_again();
    CHECK(f.slots(2).size() == 1);

    CHECK(staging.can_adopt(RelPath{"new/deep/file"}, 4, kFile.mtime));
    CHECK_FALSE(staging.can_adopt(RelPath{"new/deep/file"}, 5, kFile.mtime));
    CHECK_FALSE(staging.can_adopt(RelPath{"new/deep/file"}, 4, {kFile.mtime.seconds, 0}));
    for (const char* path : {"new", "new/deep", "new/link", "new/link/file", "new/none", "directory/x",
                             "directory", "file/below", "fil", "."}) {
        INFO(path);
        CHECK_FALSE(staging.can_adopt(RelPath{path}, 0, kFile.mtime));
        CHECK(staging.open_earlier(RelPath{path}).whole == nullptr);
        CHECK(staging.open_earlier(RelPath{path}).part == nullptr);
    }
    base::Bytes content(10);
    CHECK(staging.open_earlier(RelPath{"directory/y"}).whole->read_at(0, content) == 8);

    // The directory comes again under another name of slot; the file in it is the same inode.
    add_file(staging, "another", Over::nothing, "");
    staging.create(RelPath{"new"}, Over::nothing, directory());
    staging.create(RelPath{"new/deep"}, Over::nothing, directory());
    CHECK_FALSE(staging.adopt(RelPath{"new/deep/file"}, Over::nothing, 4, kFile));
    base::Attributes other = kFile;
    other.mode = 0600;
    CHECK_FALSE(staging.adopt(RelPath{"file"}, Over::something, 3, other));
    CHECK_FALSE(staging.can_adopt(RelPath{"file"}, 3, kFile.mtime));
    const ChangeList list = staging.finish();
    CHECK(list.counts.files == 3);
    CHECK(list.counts.others == 2);
    CHECK(list.counts.removed == 0);
    const auto changes = by_path(list);
    REQUIRE(changes.size() == 3);
    CHECK(changes.at("file").kind == MoveKind::replace);
    CHECK(changes.at("file").inode == f.inode(slot_path(list.generation, changes.at("file").slot)));
    CHECK(f.inode(slot_path(list.generation, changes.at("new").slot) + "/deep/file") == deep);
    Tree slots = f.slots(2);
    slots.erase(".");
    CHECK(slots == Tree{{"1", {FileType::regular, kFile, ""}},
                        {"2", {FileType::directory, kDirectory, ""}},
                        {"2/deep", {FileType::directory, kDirectory, ""}},
                        {"2/deep/file", {FileType::regular, kFile, "deep"}},
                        {"3", {FileType::regular, other, "new"}}});
    CHECK_FALSE(f.root->status(".ft-staging/1"));
    CHECK(f.live() == kLive);
    free_staged(*f.root);
    CHECK(f.live() == kLive);
}

TEST_CASE("a run that is killed between its pulls leaves nothing that the next one keeps", "[staging]") {
    Fixture f;
    f.killed([](Staging& killed) {
        add_file(killed, "file", Over::something, "first");
        killed.begin_again();
        add_file(killed, "another", Over::nothing, "second");
    });
    CHECK(f.root->status(".ft-staging/1/1"));
    SECTION("the next one stages") {
        Staging next{*f.root, open_reserved(*f.root)};
        CHECK(f.slots().size() == 1);
        CHECK_FALSE(f.root->status(".ft-staging/2"));
        CHECK_FALSE(next.can_adopt(RelPath{"file"}, 5, kFile.mtime));
        next.begin_again();  // and has two pulls itself
        next.begin_again();
        next.finish();
        free_staged(*f.root);
    }
    SECTION("the next one only cleans up") { free_staged(*f.root); }
    CHECK_FALSE(f.root->status(".ft-staging"));
    CHECK(f.live() == kLive);
}

TEST_CASE("a removed or changed object that is gone is named", "[staging]") {
    Fixture f;
    Staging staging{*f.root, open_reserved(*f.root)};
    CHECK_THROWS_WITH(staging.remove(RelPath{"no\nsuch"}), "/data/no\\x0asuch: vanished during the run");
    CHECK_THROWS_WITH(staging.change_attributes(RelPath{"none"}, kFile, kFile),
                      "/data/none: vanished during the run");
}

TEST_CASE("power loss at any step of staging leaves the live tree, and the next run stages again",
          "[staging]") {
    const std::uint64_t seed = GENERATE(0, 1, 2, 3);
    for (std::uint64_t step = 1;; ++step) {
        INFO("power lost at operation " << step << ", seed " << seed);
        Fixture f;
        const bool finished = f.disk.run_until_power_loss(step, [&] {
            Staging staging{*f.root, open_reserved(*f.root)};
            staging.create(RelPath{"new"}, Over::nothing, directory());
            add_file(staging, "new/file", Over::nothing, "content");
            add_file(staging, "file", Over::something, "new");
            staging.begin_again();
            staging.create(RelPath{"new"}, Over::nothing, directory());
            staging.adopt(RelPath{"new/file"}, Over::nothing, 7, kFile);
            staging.finish();
            staging.sync();
        });
        f.disk.restart(test::Seed{seed < 2 ? seed : seed + 10 * step});
        f.root = f.disk.open("/data");
        Tree left = f.live();
        left["."] = kLive.at(".");  // making the reserved directory changes its time for a moment
        REQUIRE(left == kLive);
        Staging again{*f.root, open_reserved(*f.root)};
        add_file(again, "file", Over::something, "new");
        REQUIRE(again.finish().moves.size() == 1);
        free_staged(*f.root);
        if (finished) break;
    }
}

TEST_CASE("a number that is kept is not given again, even where nothing has it any more", "[staging]") {
    Fixture f;
    Staging staging{*f.root, open_reserved(*f.root), {Generation{3}, Generation{7}, Generation{5}}};
    CHECK(staging.finish().generation == Generation{8});
}

}  // namespace
}  // namespace ft::staging
