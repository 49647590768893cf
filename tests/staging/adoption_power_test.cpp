#include <catch2/catch.hpp>
#include <cerrno>
#include <map>

#include "ft/base/error.h"
#include "staging/tree.h"

using namespace ft;
using namespace ft::staging;
using base::RelPath;
using test::MemoryDisk;

namespace {

const std::string kOrigin = "a source's data";
const std::map<std::string, std::string> kWanted{
    {"file", "new"}, {"new/big", noise(300'000)}, {"new/empty", ""}, {"other", noise(1000, 2)}};

struct Disk {
    MemoryDisk disk;
    std::unique_ptr<os::Directory> root;
    Disk() {
        disk.open("/")->create_directory("data");
        disk.mount("/data");
        root = disk.open("/data");
        root->sync_file_system();
    }
    std::unique_ptr<Staging> stage() {
        auto staging =
            std::make_unique<Staging>(*root, open_reserved(*root), std::vector<Generation>{}, kOrigin);
        check(*staging);
        return staging;
    }
    static void make_directory(Staging& staging) {
        staging.create(RelPath{"new"}, Over::nothing, directory());
    }
    /// A run that stages all that is wanted and fails; what it wrote has reached the disk since.
    void fail_once() {
        {
            const auto staging = stage();
            make_directory(*staging);
            for (const auto& [path, content] : kWanted) add_file(*staging, path, Over::nothing, content);
        }
        root->sync_file_system();
    }
    /// Adopts all that is wanted, and gives it one more name.
    static void adopt_all(Staging& staging) {
        make_directory(staging);
        for (const auto& [path, content] : kWanted)
            staging.adopt(RelPath{path}, Over::nothing, content.size(), kFile);
        staging.link(RelPath{"new/link"}, Over::nothing, RelPath{"file"});
    }
    std::size_t adoptable() {
        const auto staging = stage();
        std::size_t count = 0;
        for (const auto& [path, content] : kWanted)
            count += staging->can_adopt(RelPath{path}, content.size(), kFile.mtime) ? 1 : 0;
        return count;
    }
};

}  // namespace

TEST_CASE("power lost at any operation of a run that adopts takes nothing of what it adopts", "[staging]") {
    const auto seed = GENERATE(0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u);
    const std::string end = GENERATE("fails", "goes on", "settles", "ends at once", "is the third");
    for (std::uint64_t step = 1;; ++step) {
        INFO("a run that " << end << ", power lost at operation " << step << ", seed " << seed);
        Disk d;
        d.fail_once();
        const bool finished = d.disk.run_until_power_loss(step, [&] {
            if (end == "is the third") Disk::adopt_all(*d.stage());
            const auto staging = d.stage();
            Disk::adopt_all(*staging);
            if (end == "fails") return;
            if (end == "goes on") {
                staging->begin_again();
                Disk::adopt_all(*staging);
            }
            if (end == "settles") staging->settle();
            staging->finish();
            staging->sync();
        });
        d.disk.lose_power();
        d.disk.restart(test::Seed{seed < 2 ? seed : seed + 10 * step});
        d.root = d.disk.open("/data");
        REQUIRE(d.adoptable() == kWanted.size());
        if (finished) break;
    }
}

TEST_CASE("what is adopted leaves its old place only when the log is durable that names the new one",
          "[staging]") {
    Disk d;
    d.fail_once();
    const auto staging = d.stage();
    Disk::make_directory(*staging);
    staging->adopt(RelPath{"new/big"}, Over::nothing, kWanted.at("new/big").size(), kFile);
    CHECK(d.root->status(".ft-staging/1/1/big"));
    staging->settle();
    CHECK_FALSE(d.root->status(".ft-staging/1/1/big"));
    CHECK(content_of(*d.root, ".ft-staging/2/1/big") == kWanted.at("new/big"));
}

TEST_CASE("a sync that fails before a run adopts ends it, and nothing is adopted later", "[staging]") {
    Disk d;
    d.fail_once();
    d.disk.fail(1, "sync", EIO);
    CHECK_THROWS_AS(d.stage(), base::Error);
    CHECK(d.adoptable() == 0);
}

TEST_CASE("however often a run is tried again, nothing that was fetched is lost", "[staging]") {
    constexpr int kTries = 1010;  // more generations than are held at a time
    Disk d;
    const auto name = [](int number) { return "file " + std::to_string(number); };
    {
        const auto staging = d.stage();
        SECTION("each try with a newer version") {
            for (int number = 0; number < kTries; ++number) {
                add_file(*staging, "file", Over::nothing, name(number));
                staging->begin_again();
            }
            CHECK(staging->can_adopt(RelPath{"file"}, name(kTries).size(), kFile.mtime));
        }
        SECTION("each try with another file") {
            for (int number = 0; number < kTries; ++number) {
                add_file(*staging, name(number), Over::nothing, "new");
                staging->begin_again();
            }
            std::size_t files = 0;
            for (const auto& [path, object] : test::read_tree(*d.root->open_directory(".ft-staging")))
                files += object.content == "new" ? 1 : 0;
            CHECK(files == kTries);
            staging->finish();
            staging->give_up();
        }
    }
    d.stage();  // and no generation stays of which nothing is left
    CHECK(std::as_const(*d.root).open_directory(".ft-staging")->list().size() <= 1);
}
