#include <catch2/catch.hpp>

#include "ft/base/error.h"
#include "staging/tree.h"

using namespace ft;
using namespace ft::staging;
using base::RelPath;
using test::MemoryDisk;

namespace {

/// A tree in which two file systems are mounted, one within the other.
struct Grounds {
    MemoryDisk disk;
    std::unique_ptr<os::Directory> root;
    std::unique_ptr<os::Directory> m;
    std::unique_ptr<os::Directory> deep;
    Grounds() {
        root = disk.open("/");
        root->create_directory("data");
        root = disk.open("/data");
        root->create_directory("m");
        disk.mount("/data/m");
        m = disk.open("/data/m");
        m->create_directory("a");
        m->create_directory("a/deep");
        disk.mount("/data/m/a/deep");
        deep = disk.open("/data/m/a/deep");
        m->create_file("old");
    }
    std::unique_ptr<Staging> stage() {
        std::vector<Ground> grounds;
        grounds.push_back({{}, root.get(), open_reserved(*root)});
        grounds.push_back({RelPath{"m"}, m.get(), open_reserved(*m)});
        grounds.push_back({RelPath{"m/a/deep"}, deep.get(), open_reserved(*deep)});
        return std::make_unique<Staging>(std::move(grounds), "a source");
    }
};

TEST_CASE("what is staged lies on the file system that it is for, and each has its list", "[staging]") {
    Grounds g;
    const auto staging = g.stage();
    CHECK(staging->ground_of(RelPath{"x"}) == 0);
    CHECK(staging->ground_of(RelPath{"mm"}) == 0);
    CHECK(staging->ground_of(RelPath{"m"}) == 1);
    CHECK(staging->ground_of(RelPath{"m/a"}) == 1);
    CHECK(staging->ground_of(RelPath{"m/a/deep"}) == 2);
    CHECK(staging->ground_of(RelPath{"m/a/deep/x"}) == 2);
    CHECK(staging->ground_of(RelPath{"m/a/deeper"}) == 1);
    add_file(*staging, "top", Over::nothing, "0");
    add_file(*staging, "m/old", Over::something, "1");
    staging->create(RelPath{"m/a/deep/new"}, Over::nothing, directory());
    CHECK(staging->is_new(RelPath{"m/a/deep/new/file"}));
    CHECK_FALSE(staging->is_new(RelPath{"m/a/deep/new"}));
    add_file(*staging, "m/a/deep/new/file", Over::nothing, "2");
    staging->change_attributes(RelPath{"m/a/deep"}, kDirectory, kFile);
    staging->change_attributes(RelPath{"m/a"}, kDirectory, kFile);
    CHECK_THROWS_AS(staging->finish(), base::Error);
    const std::vector<ChangeList> lists = staging->finish_all();
    REQUIRE(lists.size() == 3);
    CHECK(staged_files(*g.root, lists[0]) == std::map<std::string, std::string>{{"top", "0"}});
    CHECK(staged_files(*g.m, lists[1]) == std::map<std::string, std::string>{{"old", "1"}});
    CHECK(staged_files(*g.deep, lists[2]) == std::map<std::string, std::string>{{"new/file", "2"}});
    CHECK(lists[1].moves[0].replaced == g.m->status("old")->inode);
    REQUIRE(lists[2].settings.size() == 1);
    CHECK(lists[2].settings[0].path.is_root());
    CHECK(lists[2].settings[0].inode == g.deep->status(".")->inode);
    REQUIRE(lists[1].settings.size() == 1);
    CHECK(lists[1].settings[0].path == RelPath{"a"});
    staging->sync();
}

TEST_CASE("a mount point is neither replaced nor removed", "[staging]") {
    Grounds g;
    const auto staging = g.stage();
    const auto refused = [](const auto& action) {
        CHECK_THROWS_WITH(action(),
                          Catch::Equals("m: is a mount point here, which is neither replaced nor removed"));
    };
    const RelPath m{"m"};
    refused([&] { staging->remove(m); });
    refused([&] { staging->create(m, Over::something, directory()); });
    refused([&] { staging->create_file(m, Over::something, base::DigestKind::md5, nullptr); });
    refused([&] { staging->adopt(m, Over::something, 0, kFile); });
    CHECK(g.m->open_directory(".ft-staging/1")->list().empty());
}

TEST_CASE("each file system keeps what was staged there for the next run", "[staging]") {
    Grounds g;
    {
        const auto staging = g.stage();
        add_file(*staging, "m/a/deep/file", Over::nothing, "content");
        add_file(*staging, "m/old", Over::something, "new");
    }
    CHECK(g.root->open_directory(".ft-staging")->list().empty());
    const auto staging = g.stage();
    CHECK(check(*staging).files == 2);
    CHECK(staging->adopt(RelPath{"m/a/deep/file"}, Over::nothing, 7, kFile));
    staging->begin_again();
    CHECK(staging->can_adopt(RelPath{"m/a/deep/file"}, 7, kFile.mtime));
    CHECK(staging->can_adopt(RelPath{"m/old"}, 3, kFile.mtime));
    staging->discard();
    CHECK(g.deep->open_directory(".ft-staging")->list().size() == 1);
    CHECK(g.m->open_directory(".ft-staging")->list().size() == 1);
}

TEST_CASE("a sync that fails for one file system leaves nothing of the run on any", "[staging]") {
    Grounds g;
    const bool fails_to_empty = GENERATE(false, true);
    {
        const auto staging = g.stage();
        add_file(*staging, "top", Over::nothing, "0");
        add_file(*staging, "m/old", Over::something, "1");
        add_file(*staging, "m/a/deep/file", Over::nothing, "2");
        g.disk.fail(2, "sync", EIO);  // of the second
        if (fails_to_empty) g.disk.fail(1, "remove", EIO);
        CHECK_THROWS_AS(staging->sync(), base::Error);
    }
    const auto staging = g.stage();
    CHECK(check(*staging).files == 0);
}

TEST_CASE("further names are staged as links, also below new directories", "[staging]") {
    Grounds g;
    const auto staging = g.stage();
    staging->create(RelPath{"new"}, Over::nothing, directory());
    add_file(*staging, "new/first", Over::nothing, "content");
    staging->link(RelPath{"new/second"}, Over::nothing, RelPath{"new/first"});
    staging->link(RelPath{"outside"}, Over::nothing, RelPath{"new/second"});
    add_file(*staging, "m/old", Over::something, "another");
    staging->link(RelPath{"m/x"}, Over::nothing, RelPath{"m/old"});
    staging->create(RelPath{"fifo"}, Over::nothing, {.type = base::FileType::fifo, .attributes = kFile});
    staging->link(RelPath{"fifo2"}, Over::nothing, RelPath{"fifo"});
    CHECK_THROWS_AS(staging->link(RelPath{"m/y"}, Over::nothing, RelPath{"new/first"}), base::Error);
    CHECK_THROWS_AS(staging->link(RelPath{"m/y"}, Over::nothing, RelPath{"m/none"}), base::Error);
    CHECK_THROWS_AS(staging->link(RelPath{"m"}, Over::something, RelPath{"m/old"}), base::Error);
    const auto lists = staging->finish_all();
    CHECK(lists[0].counts.files == 3);
    CHECK(lists[0].counts.others == 3);
    CHECK(staged_files(*g.root, lists[0]) == std::map<std::string, std::string>{{"new/first", "content"},
                                                                                {"new/second", "content"},
                                                                                {"outside", "content"}});
    const auto inode_at = [](const os::Directory& root, const ChangeList& list, std::size_t move) {
        return root.status(slot_path(list.generation, list.moves.at(move).slot))->inode;
    };
    const auto first = g.root->status(slot_path(lists[0].generation, lists[0].moves[0].slot) + "/first");
    CHECK(first->links == 3);
    CHECK(lists[0].moves[1].inode == first->inode);
    CHECK(inode_at(*g.root, lists[0], 1) == first->inode);
    CHECK(lists[0].moves[2].inode == lists[0].moves[3].inode);
    CHECK(inode_at(*g.m, lists[1], 0) == inode_at(*g.m, lists[1], 1));
    CHECK(lists[1].moves[1].kind == MoveKind::place);
}

}  // namespace
