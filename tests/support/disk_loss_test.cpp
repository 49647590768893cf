#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "ft/base/bytes.h"
#include "ft/base/error.h"
#include "support/memory_disk.h"

namespace ft::test {
namespace {

using base::FileType;

/// Random changes, most of which make sense, of a tree with two file systems.
class Shuffle {
public:
    Shuffle(MemoryDisk& disk, std::uint64_t seed) : disk_{disk}, random_{seed} {}

    void prepare() {
        const auto root = disk_.open("/");
        root->create_directory("mnt");
        disk_.mount("/mnt");
        for (const std::string directory : {"a", "b", "a/c", "mnt/d"}) root->create_directory(directory);
        for (const std::string file : {"f", "a/g", "a/c/h", "b/i", "mnt/j", "mnt/d/k"}) {
            root->create_file(file)->write_at(0, base::as_bytes("content of " + file));
        }
        root->sync_file_system();
        root->open_directory("mnt")->sync_file_system();
    }

    /// Moves objects about, never removes one, and syncs this and that.
    void move() {
        const auto from = object();
        const auto to = directory() + "/" + std::to_string(random_() % 4);
        attempt([&](os::Directory& root) {
            if (random_() % 2 == 0) {
                root.rename(from, root, to);
            } else {
                root.exchange(from, root, object());
            }
        });
    }

    void change() {
        switch (random_() % 6) {
            case 0:
                return attempt(
                    [&](os::Directory& root) { root.create_file(directory() + "/new" + number()); });
            case 1:
                return attempt(
                    [&](os::Directory& root) { root.create_directory(directory() + "/new" + number()); });
            case 2:
                return attempt([&](os::Directory& root) { root.remove(object()); });
            case 3:
                return attempt([&](os::Directory& root) {
                    root.change_file(object())->write_at(random_() % 9, base::as_bytes("written" + number()));
                });
            case 4:
                return attempt(
                    [&](os::Directory& root) { root.change_file(object())->set_size(random_() % 9); });
            default:
                return attempt([&](os::Directory& root) {
                    root.set_attributes(object(),
                                        {0700, 1, 2, {static_cast<std::int64_t>(random_() % 99), 0}});
                });
        }
    }

    void sync() {
        attempt([&](os::Directory& root) {
            const std::string path = object();
            if (random_() % 8 == 0) {
                root.open_directory(directory())->sync_file_system();
            } else if (root.status(path)->type == FileType::directory) {
                root.open_directory(path)->sync();
            } else {
                root.change_file(path)->sync();
            }
        });
    }

    std::uint64_t pick(std::uint64_t below) { return random_() % below; }

private:
    std::string number() { return std::to_string(random_() % 5); }

    static void walk(const os::Directory& directory, const std::string& prefix, bool directories_only,
                     std::vector<std::string>& paths) {
        for (const os::Name& name : directory.list()) {
            const bool is_directory = directory.status(name.name)->type == FileType::directory;
            if (is_directory || !directories_only) paths.push_back(prefix + name.name);
            if (!is_directory) continue;
            walk(*directory.open_directory(name.name), prefix + name.name + "/", directories_only, paths);
        }
    }
    std::vector<std::string> objects(bool directories_only) {
        std::vector<std::string> paths;
        walk(*disk_.open("/"), "", directories_only, paths);
        return paths;
    }
    std::string object() { return pick_from(objects(false)); }
    std::string directory() { return pick_from(objects(true)); }
    std::string pick_from(const std::vector<std::string>& paths) {
        return paths.at(random_() % paths.size());
    }

    void attempt(const std::function<void(os::Directory&)>& action) {
        try {
            action(*disk_.open("/"));
        } catch (const base::Error&) {  // some changes make no sense: into itself, across file systems
        }
    }

    MemoryDisk& disk_;
    std::mt19937_64 random_;
};

TEST_CASE("keeping all that was not synced is the state before the power loss, times included", "[support]") {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        INFO("seed " << seed);
        MemoryDisk disk;
        Shuffle shuffle{disk, seed};
        shuffle.prepare();
        for (int step = 0; step < 60; ++step) {
            const auto what = shuffle.pick(4);
            if (what == 0) shuffle.sync();
            if (what == 1) shuffle.move();
            if (what > 1) shuffle.change();
        }
        const Tree before = read_tree(*disk.open("/"));
        disk.lose_power();
        disk.restart(Seed{1});
        REQUIRE(read_tree(*disk.open("/")) == before);
    }
}

TEST_CASE("syncing every file system leaves nothing to lose", "[support]") {
    for (std::uint64_t seed = 0; seed < 25; ++seed) {
        INFO("seed " << seed);
        MemoryDisk disk;
        Shuffle shuffle{disk, seed};
        shuffle.prepare();
        for (int step = 0; step < 60; ++step) {
            if (shuffle.pick(3) == 0) shuffle.sync();
            shuffle.change();
            shuffle.move();
        }
        const Tree before = read_tree(*disk.open("/"));
        for (const auto& [path, object] : before) {
            if (object.type == FileType::directory) disk.open("/")->open_directory(path)->sync_file_system();
        }
        disk.lose_power();
        disk.restart(Seed{0});
        REQUIRE(read_tree(*disk.open("/")) == before);
    }
}

TEST_CASE("what was durable and was only moved since has exactly one place after any loss", "[support]") {
    for (std::uint64_t seed = 0; seed < 120; ++seed) {
        INFO("seed " << seed);
        MemoryDisk disk;
        Shuffle shuffle{disk, seed};
        shuffle.prepare();
        std::multiset<std::string> before;
        for (const auto& [path, object] : read_tree(*disk.open("/"))) before.insert(object.content);
        for (int step = 0; step < 30; ++step) {
            if (shuffle.pick(3) == 0) shuffle.sync();
            shuffle.move();
        }
        disk.lose_power();
        disk.restart(Seed{seed});
        std::multiset<std::string> after;
        for (const auto& [path, object] : read_tree(*disk.open("/"))) after.insert(object.content);
        REQUIRE(after == before);
    }
}

TEST_CASE("a file that is replaced by write_whole is the old or the new one at any power loss", "[support]") {
    bool finished = false;
    for (std::uint64_t step = 1; !finished; ++step) {
        for (std::uint64_t seed = 0; seed < 30; ++seed) {
            INFO("step " << step << ", seed " << seed);
            MemoryDisk disk;
            os::write_whole(*disk.open("/"), "f", "old");
            finished = disk.run_until_power_loss(step, [&] { os::write_whole(*disk.open("/"), "f", "new"); });
            disk.lose_power();
            disk.restart(Seed{seed});
            const std::string content = os::read_all(*disk.open("/"), "f", 100);
            REQUIRE((content == "new" || (!finished && content == "old")));
        }
    }
}

}  // namespace
}  // namespace ft::test
