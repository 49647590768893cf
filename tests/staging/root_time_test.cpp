#include <catch2/catch.hpp>

#include "ft/staging/root_time.h"
#include "staging/tree.h"
#include "support/memory_machine.h"

using namespace ft;
using namespace ft::staging;
using base::RelPath;
using test::Tree;

namespace {

const Tree kLive{{".", {base::FileType::directory, {0755, 0, 0, {1, 2}}, ""}},
                 {"file", {base::FileType::regular, {0600, 1, 1, {3, 4}}, "old"}}};

/// A tree, and the directory for notes on a file system of its own.
struct World {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    std::unique_ptr<os::Directory> root;
    std::unique_ptr<os::Directory> notes;
    World() {
        for (const char* path : {"data", "state"}) {
            disk.open("/")->create_directory(path);
            disk.open("/")->sync_file_system();
            disk.mount(std::string{"/"} + path);
        }
        disk.open("/data")->create_directory("tree");
        disk.open("/data")->sync_file_system();
        open();
        test::write_tree(*root, kLive);
    }
    void open() {
        root = disk.open("/data/tree");
        notes = disk.open("/state");
    }
    /// The process ends in front of changing operation `step`, or the power with it. False: not so many.
    bool end_at(std::uint64_t step, test::Seed seed, const std::function<void()>& action) {
        const bool finished = disk.run_until_power_loss(step, action);
        disk.lose_power();
        disk.restart(seed);
        open();
        return !finished;
    }
    /// The process ends where the reserved directory is made, and the root has not its time again.
    void end_between() {
        // The note, its rename and sync come first, then the directory.
        for (std::uint64_t step = 1;; ++step) {
            end_at(step, test::Seed{1}, [&] { open_reserved(*root, notes.get()); });
            if (root->status(".ft-staging")) return;
            restore();
        }
    }
    void restore() { restore_root_times(machine, *notes); }
    Tree live() const { return test::read_tree(*root); }
    void begin_and_end() {
        open_reserved(*root, notes.get())->create_directory("1");
        free_staged(*root, {}, notes.get());
        open_reserved(*root, notes.get());
        close_reserved(*root, notes.get());
    }
};

}  // namespace

TEST_CASE("a root has its time again, wherever a run ends that makes and removes staging there",
          "[staging]") {
    // 1: all is kept, as of a process that is killed.
    const auto seed = GENERATE(1u, 0u, 2u, 3u, 4u, 5u);
    for (std::uint64_t step = 1;; ++step) {
        INFO("ended at operation " << step << ", seed " << seed);
        World w;
        const bool ended =
            w.end_at(step, test::Seed{seed < 2 ? seed : seed + 10 * step}, [&] { w.begin_and_end(); });
        // The next start may be ended too.
        w.end_at(1 + step % 4, test::Seed{1}, [&] { w.restore(); });
        w.restore();
        REQUIRE(w.live() == kLive);
        REQUIRE(w.notes->list().empty());
        if (!ended) break;
    }
}

TEST_CASE("the time of what others changed in a root stays", "[staging]") {
    World w;
    w.end_between();
    REQUIRE(w.root->status(".")->attributes.mtime != kLive.at(".").attributes.mtime);
    SECTION("a new name") { w.root->create_file("another"); }
    SECTION("a name less") { w.root->remove("file"); }
    SECTION("another object of the same name") {
        w.root->create_file("new");
        w.root->remove("file");
        w.root->rename("new", *w.root, "file");
    }
    const Tree changed = w.live();
    w.restore();
    CHECK(w.live() == changed);
    CHECK(w.notes->list().empty());
}

TEST_CASE("the note of a tree that is not there waits for it", "[staging]") {
    World w;
    w.end_between();
    const auto above = w.disk.open("/data");
    above->rename("tree", *above, "elsewhere");
    w.restore();
    CHECK(w.notes->list().size() == 1);
    above->create_directory("tree");
    w.restore();
    CHECK(w.notes->list().size() == 1);
    above->remove("tree");
    above->rename("elsewhere", *above, "tree");
    w.open();
    w.restore();
    CHECK(w.live() == kLive);
    CHECK(w.notes->list().empty());
}

TEST_CASE("a note that is damaged is no note", "[staging]") {
    World w;
    const std::string content = GENERATE("", "1", "1 2 3", "x y z 0 /data", "1 2 3 4 data", "1 2 3 4 \\x");
    w.notes->create_file("root-time-x")->write_at(0, base::as_bytes(content));
    w.restore();
    CHECK(w.live() == kLive);
    CHECK(w.notes->list().empty());
}
