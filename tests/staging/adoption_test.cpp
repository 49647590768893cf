#include <catch2/catch.hpp>
#include <cerrno>

#include "ft/base/error.h"
#include "staging/tree.h"

using namespace ft;
using namespace ft::staging;
using base::RelPath;
using test::MemoryDisk;
using test::Tree;

namespace {

constexpr std::size_t kBig = 600'000;  // more than is worth to be gone on with
const std::string kOrigin = "a source's data";

const Tree kLive{{".", {base::FileType::directory, {0755, 0, 0, {1, 2}}, ""}},
                 {"file", {base::FileType::regular, {0600, 1, 1, {3, 4}}, "old"}}};

struct Disk {
    MemoryDisk disk;
    std::unique_ptr<os::Directory> root;
    Disk() {
        disk.open("/")->create_directory("data");
        disk.mount("/data");
        root = disk.open("/data");
        test::write_tree(*root, kLive);
    }
    std::unique_ptr<Staging> stage(const std::string& origin = kOrigin,
                                   const std::vector<Generation>& kept = {}) {
        return std::make_unique<Staging>(*root, open_reserved(*root), kept, origin);
    }
    /// A run that stages three files, begins a fourth, and fails.
    void fail_once(const std::string& origin = kOrigin) {
        const auto staging = stage(origin);
        add_file(*staging, "file", Over::something, "new");
        staging->create(RelPath{"new"}, Over::nothing, directory());
        add_file(*staging, "new/big", Over::nothing, noise(kBig));
        add_file(*staging, "new/empty", Over::nothing, "");
        begin(*staging, "half", noise(kBig, 2));
    }
    static void begin(Staging& staging, const std::string& path, const std::string& content) {
        const auto slot =
            staging.create_file(RelPath{path}, Over::nothing, base::DigestKind::xxh128, nullptr);
        slot->append(base::as_bytes(content));
    }
    Tree live() const { return test::read_tree(*root); }
    std::size_t generations() const { return disk_list().size(); }
    std::vector<os::Name> disk_list() const {
        if (!root->status(".ft-staging")) return {};
        return std::as_const(*root).open_directory(".ft-staging")->list();
    }
};

bool can_adopt(const Staging& staging, const std::string& path, std::uint64_t size) {
    return staging.can_adopt(RelPath{path}, size, kFile.mtime);
}

}  // namespace

TEST_CASE("a later run adopts what an earlier one has staged, once it is checked", "[staging]") {
    Disk d;
    d.fail_once();
    CHECK(d.live() == kLive);
    const auto inode = d.root->status(".ft-staging/1/2/big")->inode;
    const auto staging = d.stage();
    CHECK_FALSE(can_adopt(*staging, "file", 3));
    base::Progress progress;
    base::Cancellation cancellation;
    const EarlierFiles earlier = staging->check_earlier(progress, cancellation);
    CHECK(earlier.files == 3);
    CHECK(earlier.bytes == kBig + 3);
    CHECK(progress.bytes_checked == kBig + 3);
    CHECK(can_adopt(*staging, "file", 3));
    CHECK_FALSE(can_adopt(*staging, "file", 4));
    CHECK_FALSE(staging->can_adopt(RelPath{"file"}, 3, {1, 1}));
    CHECK(can_adopt(*staging, "new/empty", 0));
    CHECK_FALSE(can_adopt(*staging, "half", kBig));

    base::Attributes other = kFile;
    other.uid = 99;
    CHECK(staging->adopt(RelPath{"new/big"}, Over::nothing, kBig, other));
    CHECK_FALSE(can_adopt(*staging, "new/big", kBig));
    CHECK(staging->adopt(RelPath{"file"}, Over::something, 3, kFile));
    const ChangeList list = staging->finish();
    CHECK(list.counts.files == 2);
    CHECK(d.root->status(slot_path(list.generation, SlotNumber{1}))->inode == inode);
    CHECK(d.root->status(slot_path(list.generation, SlotNumber{1}))->attributes == other);
    CHECK(staged_files(*d.root, list) ==
          std::map<std::string, std::string>{{"new/big", noise(kBig)}, {"file", "new"}});
    CHECK(d.generations() == 1);
    CHECK(d.live() == kLive);
}

TEST_CASE("what is adopted can be adopted again by the run after the next", "[staging]") {
    Disk d;
    d.fail_once();
    {
        const auto staging = d.stage();
        check(*staging);
        staging->adopt(RelPath{"file"}, Over::something, 3, kFile);
    }
    const auto staging = d.stage();
    CHECK(check(*staging).files == 3);
    CHECK(can_adopt(*staging, "file", 3));
    CHECK(can_adopt(*staging, "new/big", kBig));
    CHECK(content_of(*staging->open_earlier(RelPath{"half"}).part) == noise(kBig, 2));
}

TEST_CASE("runs that fail again and again leave no generation each", "[staging]") {
    Disk d;
    const auto name = [](int number) { return "file " + std::to_string(number); };
    for (int run = 0; run < 20; ++run) {
        const auto staging = d.stage();
        CHECK(check(*staging).files == static_cast<std::uint64_t>(run));
        CHECK(d.generations() <= 2);  // its own, and that of the run before it
        for (int number = 0; number < run; ++number)
            staging->adopt(RelPath{name(number)}, Over::nothing, 3, kFile);
        add_file(*staging, name(run), Over::nothing, "new");
    }
    const auto staging = d.stage();
    CHECK(check(*staging).files == 20);
    CHECK(can_adopt(*staging, name(0), 3));
}

TEST_CASE("a run that fails early leaves what earlier ones have, and one that has a newer version its place",
          "[staging]") {
    Disk d;
    d.fail_once();
    for (int run = 0; run < 5; ++run) {
        const auto staging = d.stage();
        check(*staging);
        add_file(*staging, "file", Over::something, "new" + std::to_string(run));
    }
    {
        const auto staging = d.stage();
        CHECK(check(*staging).files == 3);
        CHECK(can_adopt(*staging, "file", 4));
        CHECK(can_adopt(*staging, "new/big", kBig));
    }
    CHECK(d.generations() == 2);  // the first, and the last of those that came to something
}

TEST_CASE("nothing of another origin is adopted, and it is removed", "[staging]") {
    Disk d;
    const std::string first = GENERATE("another source's data", "", "a source's dat");
    d.fail_once(first);
    const auto staging = d.stage();
    CHECK(check(*staging).files == 0);
    CHECK_FALSE(can_adopt(*staging, "file", 3));
    CHECK_FALSE(staging->open_earlier(RelPath{"half"}).part);
    CHECK(d.generations() == 1);
    CHECK(d.live() == kLive);
}

TEST_CASE("without an origin nothing is adopted", "[staging]") {
    Disk d;
    d.fail_once("");
    const auto staging = d.stage("");
    CHECK(check(*staging).files == 0);
    CHECK(d.generations() == 1);
}

TEST_CASE("a generation whose origin or log is lost or damaged is removed", "[staging]") {
    Disk d;
    d.fail_once();
    const std::string which = GENERATE("origin", "log");
    const std::string path = ".ft-staging/1/" + which;
    SECTION("lost") { d.root->remove(path); }
    SECTION("empty") { d.root->change_file(path)->set_size(0); }
    SECTION("changed") { d.root->change_file(path)->write_at(0, base::as_bytes(std::string(2000, '?'))); }
    SECTION("a link") {
        d.root->remove(path);
        d.root->create_symlink(path, "/etc/passwd");
    }
    const auto staging = d.stage();
    CHECK(check(*staging).files == 0);
    CHECK(d.generations() == 1);
    CHECK(d.live() == kLive);
}

TEST_CASE("generations that are kept are neither read nor touched", "[staging]") {
    Disk d;
    d.fail_once();
    {
        const auto staging = d.stage(kOrigin, {Generation{1}});
        CHECK(check(*staging).files == 0);
        CHECK(d.generations() == 2);
    }
    CHECK(d.generations() == 1);
    CHECK(content_of(*d.root, ".ft-staging/1/1") == "new");
    CHECK(check(*d.stage()).files == 3);
}

TEST_CASE("a staged file that is not what its digest says is no more than a basis", "[staging]") {
    Disk d;
    d.fail_once();
    std::string left;
    SECTION("a changed bit") {
        left = noise(kBig);
        left[kBig / 2] = static_cast<char>(left[kBig / 2] ^ 1);
        d.root->change_file(".ft-staging/1/2/big")->write_at(0, base::as_bytes(left));
    }
    SECTION("shorter") {
        left = noise(1000);
        d.root->change_file(".ft-staging/1/2/big")->set_size(1000);
    }
    SECTION("longer") {
        left = noise(kBig) + '\0';
        d.root->change_file(".ft-staging/1/2/big")->set_size(kBig + 1);
    }
    const auto staging = d.stage();
    CHECK(check(*staging).files == 2);
    CHECK_FALSE(can_adopt(*staging, "new/big", kBig));
    CHECK((content_of(*staging->open_earlier(RelPath{"new/big"}).part) == left));
    CHECK(can_adopt(*staging, "file", 3));
}

TEST_CASE("what a roll back has left is no more than a basis", "[staging]") {
    Disk d;
    d.fail_once();
    d.root->create_file(".ft-staging/1/unproved");
    const auto staging = d.stage();
    base::Progress progress;
    base::Cancellation cancellation;
    CHECK(staging->check_earlier(progress, cancellation).files == 0);
    CHECK_FALSE(can_adopt(*staging, "file", 3));
    CHECK(staging->open_earlier(RelPath{"new/big"}).part != nullptr);
}

TEST_CASE("a staged file that is gone, or none any more, or cannot be read, is not here", "[staging]") {
    Disk d;
    d.fail_once();
    SECTION("gone") { d.root->remove(".ft-staging/1/2/big"); }
    SECTION("its directory is gone") { os::remove_all(*d.root, ".ft-staging/1/2"); }
    SECTION("a link") {
        d.root->remove(".ft-staging/1/2/big");
        d.root->create_symlink(".ft-staging/1/2/big", "/data/file");
    }
    SECTION("a directory") {
        d.root->remove(".ft-staging/1/2/big");
        d.root->create_directory(".ft-staging/1/2/big");
    }
    const auto staging = d.stage();
    CHECK(check(*staging).files >= 1);
    CHECK_FALSE(can_adopt(*staging, "new/big", kBig));
    const EarlierContent content = staging->open_earlier(RelPath{"new/big"});
    CHECK_FALSE(content.part);
    CHECK_FALSE(content.whole);
    CHECK(can_adopt(*staging, "file", 3));
}

TEST_CASE("a staged file that cannot be read is fetched again", "[staging]") {
    Disk d;
    d.fail_once();
    const auto staging = d.stage();
    d.disk.fail(1, "read", EIO);
    CHECK(check(*staging).files == 2);
    CHECK_FALSE(can_adopt(*staging, "file", 3));
}

TEST_CASE("the check can be interrupted", "[staging]") {
    Disk d;
    d.fail_once();
    {
        const auto staging = d.stage();
        base::Progress progress;
        base::Cancellation cancellation;
        cancellation.request("a test");
        CHECK_THROWS_AS(staging->check_earlier(progress, cancellation), base::Error);
        CHECK_FALSE(can_adopt(*staging, "file", 3));
    }
    CHECK(check(*d.stage()).files == 3);
}

TEST_CASE("a file that was begun stays from 256 KiB on, to its last byte", "[staging]") {
    Disk d;
    const auto [length, stays] =
        GENERATE(table<std::size_t, bool>({{0, false}, {262'143, false}, {262'144, true}, {700'001, true}}));
    const std::string content = noise(length);
    {
        const auto staging = d.stage();
        Disk::begin(*staging, "file", content);
    }
    CHECK(d.generations() == (stays ? 1 : 0));
    const auto staging = d.stage();
    const auto part = staging->open_earlier(RelPath{"file"}).part;
    REQUIRE((part != nullptr) == stays);
    if (stays) CHECK((content_of(*part) == content));
    // Sparse as it came.
    CHECK_FALSE(can_adopt(*staging, "file", length));
}

TEST_CASE("the newest part and the newest whole file are the basis", "[staging]") {
    Disk d;
    d.fail_once();
    const auto staging = d.stage();
    check(*staging);
    Disk::begin(*staging, "new-er", noise(kBig, 3));
    Disk::begin(*staging, "file", noise(kBig, 4));
    staging->begin_again();
    CHECK(content_of(*staging->open_earlier(RelPath{"file"}).part) == noise(kBig, 4));
    CHECK(content_of(*staging->open_earlier(RelPath{"file"}).whole) == "new");
    add_file(*staging, "file", Over::something, "newest");
    staging->begin_again();
    CHECK_FALSE(staging->open_earlier(RelPath{"file"}).part);
    CHECK(content_of(*staging->open_earlier(RelPath{"file"}).whole) == "newest");
    CHECK_FALSE(can_adopt(*staging, "file", 3));
    CHECK_FALSE(staging->adopt(RelPath{"file"}, Over::something, 6, kFile));
    staging->adopt(RelPath{"new/big"}, Over::nothing, kBig, kFile);
    const ChangeList list = staging->finish();
    CHECK(staged_files(*d.root, list)["file"] == "newest");
    CHECK(d.generations() == 1);
}

TEST_CASE("what the pulls of a run hold is told, without what they had from earlier runs", "[staging]") {
    Disk d;
    d.fail_once();
    const auto staging = d.stage();
    check(*staging);
    const auto held = [&] {
        const EarlierFiles all = staging->of_this_run().at(0);
        return std::pair{all.files, all.bytes};
    };
    using Pair = std::pair<std::uint64_t, std::uint64_t>;
    staging->create(RelPath{"new"}, Over::nothing, directory());
    staging->adopt(RelPath{"new/big"}, Over::nothing, kBig, kFile);
    add_file(*staging, "whole", Over::nothing, "four");
    Disk::begin(*staging, "part", noise(300'000));
    CHECK(held() == Pair{0, 0});  // nothing is earlier yet
    staging->begin_again();
    CHECK(held() == Pair{2, 300'004});
    staging->adopt(RelPath{"whole"}, Over::nothing, 4, kFile);
    staging->adopt(RelPath{"new/big"}, Over::nothing, kBig, kFile);
    staging->begin_again();
    CHECK(held() == Pair{2, 300'004});
    Disk::begin(*staging, "part", noise(500'000));
    staging->begin_again();
    CHECK(held() == Pair{2, 500'004});
    staging->finish();
    CHECK(held() == Pair{0, 0});
}

TEST_CASE("a file that is tried again and again leaves its longest part only", "[staging]") {
    Disk d;
    const auto parts = [&] {
        std::vector<std::size_t> sizes;
        for (const auto& [path, object] : test::read_tree(*d.root->open_directory(".ft-staging")))
            if (object.content.size() >= 262'144) sizes.push_back(object.content.size());
        return sizes;
    };
    const auto staging = d.stage();
    for (const std::size_t length : {300'000u, 500'000u, 400'000u, 450'000u}) {
        Disk::begin(*staging, "big", noise(length));
        staging->begin_again();
    }
    CHECK(parts() == std::vector<std::size_t>{500'000});
    CHECK(content_of(*staging->open_earlier(RelPath{"big"}).part).size() == 500'000);
    add_file(*staging, "big", Over::nothing, noise(kBig));
    staging->begin_again();
    CHECK(parts() == std::vector<std::size_t>{kBig});
    add_file(*staging, "big", Over::nothing, noise(kBig + 1));
    staging->begin_again();
    CHECK(parts() == std::vector<std::size_t>{kBig + 1});
    CHECK_FALSE(can_adopt(*staging, "big", kBig));
    CHECK(can_adopt(*staging, "big", kBig + 1));
}

TEST_CASE("a file that is begun twice leaves nothing of the first time, wherever it lies", "[staging]") {
    Disk d;
    const std::string path = GENERATE("top", "new/file");
    const auto staging = d.stage();
    staging->create(RelPath{"new"}, Over::nothing, directory());
    Disk::begin(*staging, path, noise(kBig));
    Disk::begin(*staging, path, noise(kBig, 2));
    SECTION("and then comes") {
        add_file(*staging, path, Over::nothing, "right");
        const ChangeList list = staging->finish();
        CHECK(staged_files(*d.root, list) == std::map<std::string, std::string>{{path, "right"}});
    }
    SECTION("and never comes") {
        const ChangeList list = staging->finish();
        CHECK(staged_files(*d.root, list).empty());
    }
    SECTION("and the run fails") {
        staging->begin_again();
        CHECK(content_of(*staging->open_earlier(RelPath{path}).part) == noise(kBig, 2));
        CHECK(staging->finish().moves.empty());
    }
    CHECK(test::read_tree(*d.root->open_directory(".ft-staging")).size() < 9);
}

TEST_CASE("a staging in which nothing was finished or begun leaves nothing", "[staging]") {
    Disk d;
    SECTION("empty") { d.stage(); }
    SECTION("directories and links only") {
        const auto staging = d.stage();
        staging->create(RelPath{"new"}, Over::nothing, directory());
        staging->remove(RelPath{"file"});
        staging->begin_again();
        staging->create(RelPath{"link"}, Over::nothing,
                        {.type = base::FileType::symlink, .link_target = "x"});
    }
    SECTION("finished, and not committed") {
        const auto staging = d.stage();
        staging->create(RelPath{"new"}, Over::nothing, directory());
        staging->finish();
        staging->give_up();
    }
    SECTION("discarded") {
        const auto staging = d.stage();
        add_file(*staging, "file", Over::something, "new");
        Disk::begin(*staging, "half", noise(kBig));
        staging->begin_again();
        add_file(*staging, "file", Over::something, "newer");
        staging->discard();
    }
    CHECK(d.generations() == 0);
    CHECK(d.root->status(".ft-staging"));
    close_reserved(*d.root);
    CHECK_FALSE(d.root->status(".ft-staging"));
    close_reserved(*d.root);
    CHECK(d.live() == kLive);
}

TEST_CASE("what was finished stays until it is committed, also when it is given up", "[staging]") {
    Disk d;
    {
        const auto staging = d.stage();
        add_file(*staging, "file", Over::something, "new");
        staging->finish();
        staging->give_up();
    }
    CHECK(check(*d.stage()).files == 1);
    close_reserved(*d.root);
    CHECK(d.generations() == 1);
    {  // nothing but removals: the slots are the commit's
        const auto staging = d.stage("another");
        staging->remove(RelPath{"file"});
        staging->finish();
    }
    CHECK(d.generations() == 1);
}

TEST_CASE("what is discarded is this run's alone", "[staging]") {
    Disk d;
    d.fail_once();
    {
        const auto staging = d.stage();
        add_file(*staging, "another", Over::nothing, "x");
        staging->discard();
    }
    CHECK(check(*d.stage()).files == 3);
}

TEST_CASE("nothing is adopted after a sync that failed: the system may have lost what it shows",
          "[staging]") {
    Disk d;
    d.fail_once();
    {
        const auto staging = d.stage();
        check(*staging);
        staging->adopt(RelPath{"file"}, Over::something, 3, kFile);
        staging->finish();
        d.disk.fail(1, "sync", EIO);
        CHECK_THROWS_AS(staging->sync(), base::Error);
    }
    CHECK(check(*d.stage()).files == 0);
}

TEST_CASE("nothing of a run is adopted whose sync failed while it went on", "[staging]") {
    Disk d;
    const bool fails = GENERATE(false, true);
    {
        const auto staging = d.stage();
        add_file(*staging, "file", Over::something, "new");
        if (fails) d.disk.fail(1, "sync", EIO);
        if (fails) {
            CHECK_THROWS_AS(staging->sync_behind(), base::Error);
            // The system tells it once only, and says that all is well from then on.
            CHECK_THROWS_AS(staging->begin_again(), base::Error);
            CHECK_THROWS_AS(staging->sync(), base::Error);
        } else {
            staging->sync_behind();
        }
    }
    CHECK(check(*d.stage()).files == (fails ? 0 : 1));
}

TEST_CASE("nothing of a run is adopted once a sync of its file system failed for another tree", "[staging]") {
    Disk d;
    d.fail_once();
    d.root->create_directory("other tree");
    const auto other = d.disk.open("/data/other tree");
    const std::string end = GENERATE("fails", "fails with nothing more", "gives up");
    INFO("a run that " << end);
    const bool is_lost = GENERATE(false, true);
    {
        const auto staging = d.stage();
        check(*staging);
        add_file(*staging, "another", Over::nothing, "x");
        staging->adopt(RelPath{"new/empty"}, Over::nothing, 0, kFile);
        if (end == "fails with nothing more") staging->begin_again();
        if (end == "gives up") {
            staging->finish();
            staging->give_up();
        }
        Staging theirs{*other, open_reserved(*other), {}, "another origin"};
        add_file(theirs, "file", Over::nothing, "x");
        if (is_lost) d.disk.fail(1, "sync", EIO);
        if (is_lost) {
            CHECK_THROWS_AS(theirs.sync(), base::Error);
        } else {
            theirs.sync();
        }
    }
    const auto staging = d.stage();
    check(*staging);
    CHECK(can_adopt(*staging, "another", 1) != is_lost);
    // What was durable when this run began, and has not moved yet.
    CHECK(can_adopt(*staging, "new/big", kBig) == (end != "gives up"));
}

TEST_CASE("what a killed run staged is compared as the disk has it, not as memory shows it", "[staging]") {
    Disk d;
    const bool is_lost = GENERATE(false, true);
    const auto killed = d.stage();
    add_file(*killed, "another", Over::nothing, "x");
    killed->finish();  // the end of what it did
    if (is_lost) d.disk.fail(1, "sync", EIO);
    if (is_lost) {  // somebody else hears of it
        CHECK_THROWS_AS(d.disk.open("/data")->sync_file_system(), base::Error);
    } else {
        d.disk.open("/data")->sync_file_system();
    }
    CHECK(check(*d.stage()).files == (is_lost ? 0 : 1));
}

TEST_CASE("a disk without room for the log fails the file, by its name", "[staging]") {
    Disk d;
    const auto staging = d.stage();
    const auto slot = staging->create_file(RelPath{"big"}, Over::nothing, base::DigestKind::xxh128, nullptr);
    d.disk.set_capacity(262'144 + 30);
    try {
        slot->append(base::as_bytes(noise(kBig)));
        FAIL("wrote more than fits");
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::no_space);
        CHECK_THAT(error.what(), Catch::StartsWith("big: "));
    }
}

TEST_CASE("power lost at any step of a run that adopts: the next one never adopts wrong bytes", "[staging]") {
    const std::uint64_t seed = GENERATE(0, 1, 2, 3, 4, 5);
    const std::map<std::string, std::string> wanted{
        {"file", "new"}, {"new/big", noise(kBig)}, {"new/empty", ""}, {"half", noise(kBig, 2)}};
    for (std::uint64_t step = 1;; ++step) {
        INFO("power lost at operation " << step << ", seed " << seed);
        Disk d;
        const auto run = [&](bool commit) {
            const auto staging = d.stage();
            check(*staging);
            staging->create(RelPath{"new"}, Over::nothing, directory());
            for (const auto& [path, content] : wanted) {
                const Over over = path == "file" ? Over::something : Over::nothing;
                if (can_adopt(*staging, path, content.size())) {
                    staging->adopt(RelPath{path}, over, content.size(), kFile);
                } else {
                    add_file(*staging, path, over, content);
                }
            }
            if (!commit) return;
            const ChangeList list = staging->finish();
            staging->sync();
            REQUIRE(staged_files(*d.root, list) == wanted);
        };
        const bool finished = d.disk.run_until_power_loss(step, [&] {
            d.fail_once();
            run(false);
            run(true);
        });
        d.disk.lose_power();
        d.disk.restart(test::Seed{seed < 2 ? seed : seed + 10 * step});
        d.root = d.disk.open("/data");
        Tree left = d.live();
        left["."] = kLive.at(".");  // making the reserved directory changes its time for a moment
        REQUIRE(left == kLive);
        run(true);
        REQUIRE(d.generations() == 1);
        if (finished) break;
    }
}
