#include <catch2/catch.hpp>

#include "commit/world.h"
#include "ft/staging/root_time.h"

namespace ft::commit {
namespace {

using base::ErrorKind;
using base::Outcome;
using test::Seed;

TreeObject special(FileType type, std::int64_t mtime) {
    const bool device = type == FileType::character_device || type == FileType::block_device;
    return {type, {0640, 3, 4, {mtime, 1}}, device ? "1:7" : ""};
}

/// An object of one of eight kinds at `path`; the first is none.
void add_kind(Tree& tree, const std::string& path, unsigned kind, std::int64_t mtime) {
    switch (kind) {
        case 0:
            return;
        case 1:
            tree[path] = file("content", mtime);
            return;
        case 2:
            tree[path] = directory(mtime, 0750, 5);
            tree[path + "/inside"] = file("inside", mtime);
            tree[path + "/deep"] = directory(mtime);
            tree[path + "/deep/link"] = symlink("..", mtime);
            return;
        case 3:
            tree[path] = symlink("target", mtime);
            return;
        default: {
            constexpr FileType kTypes[] = {FileType::character_device, FileType::block_device, FileType::fifo,
                                           FileType::socket};
            tree[path] = special(kTypes[kind - 4], mtime);
        }
    }
}

/// Every kind of object becomes every other, or another of its kind.
std::vector<TreePair> each_by_each() {
    TreePair pair{"/data", {{".", directory(1)}}, {{".", directory(2)}}};
    for (unsigned from = 0; from < 8; ++from) {
        for (unsigned to = 0; to < 8; ++to) {
            const std::string path = fmt::format("{}-{}", from, to);
            add_kind(pair.old_tree, path, from, 100);
            add_kind(pair.new_tree, path, to, 200);
        }
    }
    return {pair};
}

/// What the run after all_kinds() brings.
std::vector<Tree> third_trees() {
    Tree data = all_kinds()[0].new_tree;
    data["content"] = file("third", 501);
    data.erase("link");
    data["fresh/deep/file"] = file("third", 502);
    data["third"] = directory(503);
    return {data, all_kinds()[1].old_tree};
}

TEST_CASE("every kind of object is replaced by every other, and put back by an undo", "[commit]") {
    World world{each_by_each()};
    CHECK(world.commit(world.stage_all()).reason.empty());
    CHECK(world.is_new());
    CHECK(world.undo().reason.empty());
    INFO(world.shown());
    CHECK(world.is_old());
    CHECK(world.is_clean());
}

TEST_CASE("an undo gives the old trees, database and host name, and leaves nothing behind", "[commit]") {
    World world{all_kinds()};
    CHECK(world.commit(world.stage_all()).outcome == Outcome::committed);
    CHECK(world.is_kept());
    const UndoStore store = world.store().value();
    CHECK(store.run_id == "run-1");
    CHECK(store.trees.size() == 2);
    CHECK(store.host_name);
    const UndoPreview preview = world.preview();
    CHECK(preview.lost_count == 0);
    CHECK(preview.changed_count == 0);
    std::vector<Outcome> told;
    const Committed result = undo(world.machine, *world.disk.open("/state"), world.swapper,
                                  [&](Outcome outcome, const std::string& run) {
                                      told.push_back(outcome);
                                      CHECK(run == "run-1");
                                      CHECK_FALSE(world.is_clean());
                                  });
    CHECK(told == std::vector{Outcome::undone});
    CHECK(result.outcome == Outcome::undone);
    CHECK(result.left.empty());
    CHECK(world.is_old());
    CHECK(world.is_clean());
    CHECK(world.swapper.state() == FileSwapper::state(1, 0, 0));
    CHECK_THROWS_WITH(world.undo(), Catch::Contains("there is no run here"));
    CHECK_THROWS_AS(world.preview(), base::Error);
    CHECK(world.commit(world.stage_all()).outcome == Outcome::committed);
    CHECK(world.is_new());
}

TEST_CASE("a hard-link group is committed, rolled back and undone as one object", "[commit]") {
    const Tree old_tree{{".", directory(1)},     {"a", file("old", 2)},       {"b", file("old", 2)},
                        {"c", symlink("x", 3)},  {"old", directory(4)},       {"old/d", file("old", 2)},
                        {"other", file("o", 5)}, {"other-too", file("oo", 6)}};
    Tree new_tree = old_tree;
    for (const char* path : {"a", "c", "e", "new/f"}) new_tree[path] = file("new", 7);
    new_tree["new"] = directory(8);
    new_tree.erase("other");
    World world{{{"/data", old_tree, new_tree}}};
    const auto data = world.disk.open("/data");
    for (const char* path : {"b", "old/d"}) {  // of a group of three only one name gets new content
        data->remove(path);
        data->link("a", *data, path);
    }
    for (const char* path : {"old", "."}) data->set_attributes(path, old_tree.at(path).attributes);
    const auto inode = [&](const std::string& path) { return data->status(path).value().inode; };
    Plan plan = world.stage_all();
    {
        const base::RelPath first{"a"};
        staging::Staging staging{*data, staging::open_reserved(*data)};
        stage_object(staging, first, staging::Over::something, new_tree.at("a"));
        staging.link(base::RelPath{"c"}, staging::Over::something, first);
        staging.link(base::RelPath{"e"}, staging::Over::nothing, first);
        staging.create(base::RelPath{"new"}, staging::Over::nothing, object_of(new_tree.at("new")));
        staging.link(base::RelPath{"new/f"}, staging::Over::nothing, first);
        staging.remove(base::RelPath{"other"});
        plan.trees[0].list = staging.finish();
        staging.sync();
    }
    const auto require_old = [&] {
        REQUIRE(world.is_old());
        REQUIRE(inode("a") == inode("b"));
        REQUIRE(inode("a") == inode("old/d"));
    };
    require_old();
    SECTION("committed and undone") {
        CHECK(world.commit(plan).reason.empty());
        CHECK(world.is_new());
        for (const char* path : {"c", "e", "new/f"}) CHECK(inode(path) == inode("a"));
        CHECK(inode("b") == inode("old/d"));
        CHECK(inode("b") != inode("a"));
        CHECK(world.preview().changed_count == 0);
        CHECK(world.undo().reason.empty());
        require_old();
        CHECK(world.is_clean());
    }
    SECTION("rolled back") {
        data->create_file("planted");
        data->exchange("planted", *data, "other");
        data->set_attributes(".", old_tree.at(".").attributes);
        CHECK(world.commit(plan).outcome == Outcome::rolled_back);
        data->exchange("planted", *data, "other");
        data->remove("planted");
        data->set_attributes(".", old_tree.at(".").attributes);
        require_old();
    }
}

TEST_CASE("a discarded undo store leaves nothing behind", "[commit]") {
    World world{all_kinds()};
    world.commit(world.stage_all());
    CHECK(world.discard().empty());
    CHECK(world.is_new());
    CHECK(world.is_clean());
    CHECK(world.discard().empty());
    CHECK_FALSE(world.store());
}

TEST_CASE("the next commit takes the place of the undo store", "[commit]") {
    World world{all_kinds()};
    world.commit(world.stage_all());
    world.begin_next(third_trees());
    CHECK(world.is_old());
    Plan plan = world.stage_all();
    SECTION("kept") {
        CHECK(world.commit(plan).outcome == Outcome::committed);
        CHECK(world.is_new());
        CHECK(world.is_kept());
        CHECK(world.swapper.state() == FileSwapper::state(3, 0, 0, 2));
        CHECK(world.undo().outcome == Outcome::undone);
        CHECK(world.is_old());
        CHECK(world.is_clean());
    }
    SECTION("without one") {
        plan.keep_undo = false;
        CHECK(world.commit(plan).outcome == Outcome::committed);
        CHECK(world.is_new());
        CHECK(world.is_clean());
        CHECK(world.swapper.state() == FileSwapper::state(3, 0, 0));
        CHECK_THROWS_AS(world.undo(), base::Error);
    }
}

TEST_CASE("a commit that is rolled back leaves the earlier run's undo store, which works", "[commit]") {
    World world{all_kinds()};
    world.commit(world.stage_all());
    world.begin_next(third_trees());
    const Plan plan = world.stage_all();
    SECTION("at the swap") { world.swapper.refuse = true; }
    SECTION("at a move") { world.disk.fail(4, "exchange", EPERM); }
    CHECK(world.commit(plan).outcome == Outcome::rolled_back);
    world.swapper.refuse = false;
    CHECK(world.is_old());
    CHECK(world.is_kept(1, 1));
    CHECK(world.undo().outcome == Outcome::undone);
    --world.run;
    CHECK(world.swapper.current() == 1);
    CHECK(test::read_tree(*world.disk.open("/data")) == all_kinds()[0].old_tree);
    CHECK(test::read_tree(*world.disk.open("/config")) == all_kinds()[1].old_tree);
    CHECK(world.generations("/data") == 1);  // what was staged
}

/// After a recovery: the run is committed and can be taken back, or it is undone.
void require_committed_or_undone(World& world, const Recovered& recovered) {
    INFO(world.shown());
    REQUIRE_FALSE(world.mixture());
    REQUIRE(recovered.left.empty());
    if (recovered.outcome == Outcome::undone) REQUIRE(world.is_old());
    if (recovered.outcome == Outcome::rolled_back) REQUIRE(world.is_new());
    REQUIRE(recovered.of_undo == (recovered.outcome != Outcome::unchanged));
    REQUIRE(((world.is_old() && world.is_clean()) || (world.is_new() && world.is_kept())));
}

/// Whatever happened before: it can be taken back, and comes again.
void require_all_goes_on(World& world) {
    if (world.is_new()) REQUIRE(world.undo().outcome == Outcome::undone);
    REQUIRE(world.is_old());
    REQUIRE(world.is_clean());
    REQUIRE(world.commit(world.stage_all()).outcome == Outcome::committed);
    REQUIRE(world.is_new());
    REQUIRE(world.is_kept());
}

TEST_CASE("power loss at any step of an undo leaves the run committed or undone", "[commit]") {
    const std::uint64_t number = GENERATE(0, 1, 2, 3);
    const bool refused = GENERATE(false, true);
    bool seen_old = false;
    bool seen_new = false;
    for (std::uint64_t step = 1;; ++step) {
        INFO("power lost at operation " << step << ", seed " << number << ", refused " << refused);
        World world{all_kinds()};
        world.commit(world.stage_all());
        if (refused) world.disk.fail(6, "exchange", EPERM);
        Committed result;
        const bool finished = world.disk.run_until_power_loss(step, [&] { result = world.undo(); });
        world.disk.lose_power();
        world.disk.restart(Seed{number < 2 ? number : number + 10 * step});
        if (finished) REQUIRE(result.outcome == (refused ? Outcome::rolled_back : Outcome::undone));
        require_committed_or_undone(world, world.recover());
        (world.is_new() ? seen_new : seen_old) = true;
        require_all_goes_on(world);
        if (finished) break;
    }
    CHECK(seen_old);
    CHECK(seen_new);
}

TEST_CASE("power loss in the recovery of an undo, and in the recovery of that, changes nothing about it",
          "[commit]") {
    const std::uint64_t number = GENERATE(0, 2);
    bool first_finished = false;
    for (std::uint64_t first = 1; !first_finished; ++first) {
        bool second_finished = false;
        for (std::uint64_t second = 1; !second_finished; ++second) {
            INFO("power lost at operation " << first << ", then " << second << ", seed " << number);
            World world{few_objects()};
            world.commit(world.stage_all());
            first_finished = world.disk.run_until_power_loss(first, [&] { world.undo(); });
            world.disk.lose_power();
            world.disk.restart(Seed{number + first});
            second_finished = world.disk.run_until_power_loss(second, [&] { world.recover(); });
            world.disk.lose_power();
            world.disk.restart(Seed{number + second});
            world.disk.run_until_power_loss(1 + (first + second) % 40, [&] { world.recover(); });
            world.disk.lose_power();
            world.disk.restart(Seed{number + first + second});
            require_committed_or_undone(world, world.recover());
        }
    }
}

TEST_CASE("a process that is killed at any step of an undo goes on with the next start", "[commit]") {
    for (std::uint64_t step = 1;; ++step) {
        INFO("killed at operation " << step);
        World world{all_kinds()};
        world.commit(world.stage_all());
        const bool finished = world.disk.run_until_power_loss(step, [&] { world.undo(); });
        world.disk.restart(Seed{1});
        const bool waits = world.mixture();
        const Recovered recovered = world.recover();
        require_committed_or_undone(world, recovered);
        if (waits) REQUIRE(recovered.outcome == Outcome::undone);
        if (finished) break;
    }
}

TEST_CASE("power loss at any step of the commit that replaces the store leaves one store that works",
          "[commit]") {
    const std::uint64_t number = GENERATE(0, 1, 2, 3);
    const bool keep = GENERATE(true, false);
    for (std::uint64_t step = 1;; ++step) {
        INFO("power lost at operation " << step << ", seed " << number << ", keep " << keep);
        World world{all_kinds()};
        world.commit(world.stage_all());
        world.begin_next(third_trees());
        Plan plan = world.stage_all();
        plan.keep_undo = keep;
        const bool finished = world.disk.run_until_power_loss(step, [&] { world.commit(plan); });
        world.disk.lose_power();
        world.disk.restart(Seed{number < 2 ? number : number + 10 * step});
        REQUIRE(world.recover().left.empty());
        INFO(world.shown());
        REQUIRE((world.is_old() || world.is_new()));
        if (world.is_old()) {
            REQUIRE(world.is_kept(1, 1));
        } else {
            REQUIRE((keep ? world.is_kept() : world.is_clean()));
        }
        if (keep || world.is_old()) REQUIRE(world.undo().outcome == Outcome::undone);
        if (finished) break;
    }
}

TEST_CASE("power loss at any step of a discard leaves the store or nothing", "[commit]") {
    const std::uint64_t number = GENERATE(0, 1, 2, 3);
    for (std::uint64_t step = 1;; ++step) {
        INFO("power lost at operation " << step << ", seed " << number);
        World world{all_kinds()};
        world.commit(world.stage_all());
        const bool finished = world.disk.run_until_power_loss(step, [&] { world.discard(); });
        world.disk.lose_power();
        world.disk.restart(Seed{number < 2 ? number : number + 10 * step});
        const Recovered recovered = world.recover();
        REQUIRE(recovered.outcome == Outcome::unchanged);
        REQUIRE(recovered.left.empty());
        INFO(world.shown());
        REQUIRE((world.is_clean() || world.is_kept()));
        REQUIRE(world.is_new());
        if (finished) break;
    }
}

TEST_CASE("an operation of an undo that fails once, whichever, leaves the run committed or undone",
          "[commit]") {
    const int code = GENERATE(EIO, ENOSPC, EPERM);
    for (std::uint64_t step = 1;; ++step) {
        INFO("operation " << step << " fails with errno " << code);
        World world{all_kinds()};
        world.commit(world.stage_all());
        const std::uint64_t before = world.disk.operations();
        world.disk.fail(step, "", code);
        std::string text;
        std::optional<Outcome> outcome;
        try {
            const Committed result = world.undo();
            outcome = result.outcome;
            text = result.reason;
        } catch (const base::Error& error) {
            text = error.what();
            if (error.kind() != ErrorKind::recovery) {
                REQUIRE(world.is_new());
                REQUIRE_FALSE(world.mixture());
            }
        }
        INFO(text);
        const bool finished = world.disk.operations() - before < step;
        if (outcome == Outcome::undone) REQUIRE(world.swapper.current() == 1);
        if (outcome == Outcome::rolled_back) REQUIRE(world.is_new());
        world.disk.restart(Seed{1});
        world.recover();
        INFO(world.shown());
        REQUIRE(((world.is_old() && world.is_clean()) || (world.is_new() && world.is_kept())));
        require_all_goes_on(world);
        if (finished) break;
    }
}

TEST_CASE("a look of an undo that fails once, whichever, leaves the run committed or undone", "[commit]") {
    const std::string kind = GENERATE("open", "read", "list", "status");
    for (std::uint64_t step = 1;; ++step) {
        INFO(kind << " number " << step << " fails");
        World world{few_objects()};
        world.commit(world.stage_all());
        world.disk.fail(step, kind, EIO);
        bool failed = true;
        try {
            const Committed result = world.undo();
            failed = result.outcome != Outcome::undone || !result.left.empty();
        } catch (const base::Error&) {
        }
        world.disk.restart(Seed{1});
        world.recover();
        INFO(world.shown());
        REQUIRE(((world.is_old() && world.is_clean()) || (world.is_new() && world.is_kept())));
        require_all_goes_on(world);
        if (!failed) break;
    }
}

TEST_CASE("an operation of a discard that fails once, whichever, leaves the store or nothing in the end",
          "[commit]") {
    const int code = GENERATE(EIO, ENOSPC, EPERM);
    for (std::uint64_t step = 1;; ++step) {
        INFO("operation " << step << " fails with errno " << code);
        World world{all_kinds()};
        world.commit(world.stage_all());
        const std::uint64_t before = world.disk.operations();
        world.disk.fail(step, "", code);
        const auto left = world.discard();
        const bool finished = world.disk.operations() - before < step;
        world.disk.restart(Seed{1});
        REQUIRE_FALSE(world.mixture());
        if (left.empty()) REQUIRE(world.is_clean());
        REQUIRE(world.recover().left.empty());
        REQUIRE((world.is_clean() || world.is_kept()));
        REQUIRE(world.is_new());
        if (finished) break;
    }
}

TEST_CASE("an undo that waits for its server goes on when that is back", "[commit]") {
    World world{all_kinds()};
    world.commit(world.stage_all());
    world.swapper.gone = true;
    CHECK_THROWS_WITH(world.undo(), "appliance: no server");
    CHECK(world.is_new());
    CHECK(world.is_kept());
    world.swapper.gone = false;
    world.disk.run_until_power_loss(4, [&] { world.undo(); });
    world.disk.restart(Seed{1});
    REQUIRE(world.mixture());
    world.swapper.gone = true;
    try {
        world.recover();
        FAIL("it cannot go on");
    } catch (const base::Error& error) {
        CHECK(error.kind() == ErrorKind::recovery);
        CHECK_THAT(error.what(), Catch::Contains("the undo of run run-1 cannot be finished"));
    }
    world.swapper.gone = false;
    CHECK(world.recover().outcome == Outcome::undone);
    CHECK(world.is_old());
}

TEST_CASE("what keeps an undo from beginning is said before anything is changed", "[commit]") {
    World world{all_kinds(), FileSystems::one};
    world.commit(world.stage_all());
    const auto root = world.disk.open("/");
    SECTION("a database cannot be swapped back") { world.swapper.unfit = true; }
    SECTION("a tree is not there") { root->rename("config", *root, "elsewhere"); }
    SECTION("a tree is another directory") {
        root->rename("config", *root, "elsewhere");
        root->create_directory("config");
    }
    SECTION("somebody removed the store's slots") { os::remove_all(*root, "config/.ft-staging/1"); }
    for (const bool preview : {true, false}) {
        try {
            preview ? static_cast<void>(world.preview()) : static_cast<void>(world.undo());
            FAIL("it cannot begin");
        } catch (const base::Error& error) {
            CHECK(error.kind() == ErrorKind::unfit);
            CHECK_THAT(error.what(), Catch::Contains("run run-1 cannot be taken back: "));
            CHECK_FALSE(error.advice().empty());
        }
    }
    CHECK_FALSE(world.mixture());
    CHECK(test::read_tree(*world.disk.open("/data")) == all_kinds()[0].new_tree);
    CHECK(world.swapper.current() == 2);
}

TEST_CASE("an undo copes with whatever users did since the commit, and says it before", "[commit]") {
    const bool refused = GENERATE(false, true);
    World world{all_kinds()};
    world.commit(world.stage_all());
    const auto data = world.disk.open("/data");
    Tree wanted = all_kinds()[0].old_tree;
    std::vector<std::string> changed;
    std::vector<std::string> lost;
    const auto write = [&](const std::string& path) {
        data->change_file(path)->write_at(0, base::as_bytes("edited"));
    };
    SECTION("nothing") {}
    SECTION("a replaced file is edited in place") {
        write("content");
        changed = {"/data/content: has changed"};
    }
    SECTION("or saved anew") {
        data->create_file("saved");
        data->remove("content");
        data->rename("saved", *data, "content");
        changed = {"/data/content: is another by now"};
    }
    SECTION("or removed") { data->remove("content"); }
    SECTION("or a directory by now") {
        data->remove("content");
        data->create_directory("content");
        data->create_file("content/x");
        changed = {"/data/content: is another by now"};
    }
    SECTION("a new object is removed") { os::remove_all(*data, "fresh"); }
    SECTION("or another") {
        data->remove("nl\n\xff");
        data->create_symlink("nl\n\xff", "x");
        changed = {"/data/nl\\x0a\\xff: is another by now"};
    }
    SECTION("a new directory has got more") {
        data->create_file("fresh/deep/users");
        write("fresh/deep/file");
        changed = {"/data/fresh/deep/file: is new or has changed",
                   "/data/fresh/deep/users: is new or has changed",
                   "/data/fresh/deep: is new or has changed"};
    }
    SECTION("something is where an object was removed") {
        data->create_directory("gone");
        data->create_file("gone/x");
        changed = {"/data/gone: is new"};
    }
    SECTION("a file with other attributes is written into") {
        write("mode");
        wanted["mode"].content = "edited";
        wanted["mode"].attributes.mtime = data->status("mode")->attributes.mtime;
    }
    SECTION("or is another by now") {
        data->remove("mode");
        data->create_file("mode");
        wanted["mode"] = test::read_tree(*data).at("mode");
    }
    SECTION("a directory in which things were replaced is gone") {
        os::remove_all(*data, "touched");
        std::erase_if(wanted, [](const auto& entry) { return entry.first.starts_with("touched"); });
        lost = {"/data/touched/b: its directory is gone", "/data/touched/a: its directory is gone"};
    }
    SECTION("a new file beside them stays") {
        data->create_file("touched/users");
        wanted["touched/users"] = test::read_tree(*data).at("touched/users");
    }
    SECTION("root took something out of the store") {
        for (const os::Name& slot : world.disk.open("/data/.ft-staging/1")->list()) {
            const auto kept = world.disk.open("/data/.ft-staging/1")->status(slot.name);
            if (kept->size == std::string_view{"old content"}.size())
                world.disk.open("/data/.ft-staging/1")->remove(slot.name);
        }
        wanted["content"] = all_kinds()[0].new_tree.at("content");
        lost = {"/data/content: it is gone"};
    }
    const UndoPreview preview = world.preview();
    std::vector<std::string> sorted = preview.changed;
    std::sort(sorted.begin(), sorted.end());
    CHECK(sorted == changed);
    CHECK(preview.changed_count == changed.size());
    CHECK(preview.lost == lost);
    CHECK(preview.lost_count == lost.size());

    const Tree before = test::read_tree(*data);
    if (!refused) {
        const Committed result = world.undo();
        CHECK(result.reason.empty());
        CHECK(result.outcome == Outcome::undone);
        CHECK(test::read_tree(*data) == wanted);
        CHECK(world.is_clean());
    } else {
        world.disk.fail(4, "attributes", EPERM);
        const Committed result = world.undo();
        CHECK(result.outcome == Outcome::rolled_back);
        CHECK_FALSE(result.reason.empty());
        CHECK(test::read_tree(*data) == before);
        CHECK(world.store());
    }
}

TEST_CASE("a long list of changes is bounded", "[commit]") {
    TreePair pair{"/data", {{".", directory(1)}}, {{".", directory(2)}}};
    for (int i = 0; i < 100; ++i) {
        pair.old_tree[fmt::format("f{}", i)] = file("old", 3);
        pair.new_tree[fmt::format("f{}", i)] = file("new", 4);
    }
    World world{{pair}};
    world.commit(world.stage_all());
    for (int i = 0; i < 100; ++i) world.disk.open("/data")->change_file(fmt::format("f{}", i))->set_size(0);
    CHECK(world.preview().changed_count == 100);
    CHECK(world.preview().changed.size() == 20);
}

TEST_CASE("a server that is gone when room is freed keeps what it has, until it is back", "[commit]") {
    World world{all_kinds()};
    world.commit(world.stage_all());
    world.swapper.keeps = true;
    SECTION("of an undo") {
        const Committed result = world.undo();
        CHECK(result.outcome == Outcome::undone);
        CHECK(result.left == std::vector<std::string>{"undone run run-1: appliance: no server"});
        CHECK(world.is_old());
    }
    SECTION("of a discard") {
        CHECK(world.discard() == std::vector<std::string>{"replaced by run run-1: appliance: no server"});
        CHECK(world.is_new());
    }
    CHECK_FALSE(world.mixture());
    CHECK_FALSE(world.store());
    const Plan plan = world.stage_all();
    CHECK(world.recover().left.size() == 1);
    CHECK_THROWS_WITH(world.commit(plan), Catch::Contains("could not be removed yet"));
    CHECK_FALSE(world.mixture());
    world.swapper.keeps = false;
    CHECK(world.recover().left.empty());
    CHECK(world.disk.open("/state")->list().empty());
    CHECK(world.generations("/data") == 1);
}

TEST_CASE("a root whose reserved directory is gone keeps the time of what others did in it since",
          "[commit]") {
    World world{all_kinds()};
    world.commit(world.stage_all());
    world.swapper.keeps = true;
    CHECK(world.discard().size() == 1);
    CHECK(world.is_new());
    const auto root = world.disk.open("/data");
    base::Attributes later = root->status(".").value().attributes;
    later.mtime.seconds += 1000;
    root->set_attributes(".", later);
    CHECK(world.recover().left.size() == 1);
    world.swapper.keeps = false;
    CHECK(world.recover().left.empty());
    CHECK(root->status(".").value().attributes == later);
    CHECK(world.disk.open("/state")->list().empty());
}

/// A plan with two trees more, whose directories the run makes.
Plan stage_made(World& world) {
    Plan plan = world.stage_all();
    for (const char* path : {"/srv/a", "/srv/b"}) {
        const auto made = world.machine.make_root(path);
        const auto root = world.disk.open(path);
        staging::Staging staging{*root, staging::open_reserved(*root), world.kept(*root)};
        stage(staging, test::read_tree(*root), {{".", directory(5)}, {"file", file("new", 6)}});
        plan.trees.push_back({path, staging.finish(), made});
        staging.sync();
    }
    return plan;
}

TEST_CASE("directories that the run made for a tree go with its undo, where they are empty", "[commit]") {
    World world{few_objects()};
    world.commit(stage_made(world));
    CHECK(world.disk.open("/srv/b")->status("file"));
    SECTION("all") {
        CHECK(world.undo().left.empty());
        CHECK_FALSE(world.disk.open("/")->status("srv"));
    }
    SECTION("but what somebody uses") {
        world.disk.open("/srv/b")->create_file("of a user");
        CHECK(world.undo().left.empty());
        CHECK(world.disk.open("/srv")->list().size() == 1);
        CHECK(world.disk.open("/srv/b")->list().size() == 1);
    }
    CHECK(world.disk.open("/state")->list().empty());
    CHECK(world.recover().left.empty());
    CHECK(world.is_old());
}

TEST_CASE("what is made anew where the run had made a directory stays, while its server is gone",
          "[commit]") {
    World world{few_objects()};
    world.commit(stage_made(world));
    world.swapper.keeps = true;
    CHECK(world.undo().left.size() == 1);
    CHECK_FALSE(world.disk.open("/")->status("srv"));
    world.machine.make_root("/srv/b");
    CHECK(world.recover().left.size() == 1);
    CHECK(world.disk.open("/")->status("srv/b"));
    world.swapper.keeps = false;
    CHECK(world.recover().left.empty());
    CHECK(world.disk.open("/")->status("srv/b"));
    CHECK(world.disk.open("/state")->list().empty());
}

TEST_CASE("power loss at any step of an undo leaves no directory that the run made", "[commit]") {
    const std::uint64_t number = GENERATE(0, 1, 12);
    for (std::uint64_t step = 1;; ++step) {
        INFO("power lost at operation " << step << ", seed " << number);
        World world{few_objects()};
        world.commit(stage_made(world));
        world.disk.open("/")->sync_file_system();
        const base::Attributes above = world.disk.open("/")->status(".")->attributes;
        const bool finished = world.disk.run_until_power_loss(step, [&] { world.undo(); });
        world.disk.lose_power();
        world.disk.restart(Seed{number < 2 ? number : number + 10 * step});
        staging::restore_root_times(world.machine, *world.disk.open("/state"));  // as every start does first
        REQUIRE(world.recover().left.empty());
        const bool undone = world.is_old();
        REQUIRE((undone || world.is_new()));
        REQUIRE(undone != world.disk.open("/")->status("srv").has_value());
        REQUIRE(world.disk.open("/")->status(".")->attributes == above);
        REQUIRE(undone == world.disk.open("/state")->list().empty());
        if (finished) break;
    }
}

TEST_CASE("a damaged journal of the undo store is a case for a person", "[commit]") {
    World world{all_kinds()};
    world.commit(world.stage_all());
    const auto state = world.disk.open("/state");
    const std::string whole = os::read_all(*state, "undo", 1 << 20);
    std::string damaged = whole;
    SECTION("a flipped bit") { damaged[damaged.size() / 2] ^= 1; }
    SECTION("another version") { damaged.replace(damaged.find("version\":4"), 10, "version\":2"); }
    SECTION("its end is missing") { damaged.resize(damaged.size() / 2); }
    os::write_whole(*state, "undo", damaged);
    const auto require_damage = [](const std::function<void()>& action) {
        try {
            action();
            FAIL("it is damaged");
        } catch (const base::Error& error) {
            CHECK(error.kind() == ErrorKind::recovery);
            CHECK_THAT(error.what(), Catch::Contains("/state/undo: after line"));
        }
    };
    require_damage([&] { world.recover(); });
    require_damage([&] { world.undo(); });
    require_damage([&] { world.preview(); });
    require_damage([&] { world.store(); });
    require_damage([&] { world.discard(); });
    require_damage([&] { world.kept(*world.disk.open("/data")); });
    require_damage([&] { world.mixture(); });
    CHECK(world.is_new());
    // It got its name after DONE was on the disk: no power loss takes that away.
    os::write_whole(*state, "undo", whole.substr(0, whole.rfind('\n', whole.size() - 2) + 1));
    require_damage([&] { world.recover(); });
    os::write_whole(*state, "undo", whole + "noi");  // a record that was torn
    CHECK(world.undo().outcome == Outcome::undone);
    CHECK(world.is_old());
}

}  // namespace
}  // namespace ft::commit
