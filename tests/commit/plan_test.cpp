#include "commit/plan.h"

#include <catch2/catch.hpp>

#include "commit/world.h"

namespace ft::commit {
namespace {

/// "KIND PATH" of each operation of a tree, in order.
std::vector<std::string> shown(const OrderedPlan& plan, std::size_t tree) {
    constexpr std::string_view kNames[] = {"place", "replace", "remove"};
    std::vector<std::string> lines;
    for (const Move& move : plan.moves) {
        if (move.tree != tree) continue;
        lines.push_back(fmt::format("{} {}", kNames[static_cast<std::size_t>(move.kind)], move.path.bytes()));
    }
    for (const Setting& setting : plan.settings) {
        if (setting.tree == tree) lines.push_back("attributes " + setting.path.bytes());
    }
    return lines;
}

TEST_CASE("a plan is empty when neither a commit nor its undo would do anything", "[commit]") {
    Plan plan{
        .run_id = "R", .trees = {{.root = "/data", .list = {}}, {.root = "/etc", .list = {}}}, .swaps = {}};
    CHECK(plan.is_empty());
    SECTION("a move") { plan.trees[1].list.moves.emplace_back(); }
    SECTION("attributes") { plan.trees[1].list.settings.emplace_back(); }
    SECTION("a directory that the run made") { plan.trees[0].made.emplace_back("/data"); }
    SECTION("a database") { plan.swaps.emplace_back(); }
    SECTION("a host name") { plan.host_name.emplace(); }
    CHECK_FALSE(plan.is_empty());
}

TEST_CASE("removals come first, then new objects, then attributes, deepest first", "[commit]") {
    World world{few_objects()};
    const OrderedPlan ordered = order(world.machine, world.stage_all());
    // The directories whose names change are set again, also where the run wants nothing of them.
    CHECK(shown(ordered, 0) == std::vector<std::string>{"remove b", "remove c/d", "replace a", "place c/f",
                                                        "attributes c", "attributes g", "attributes ."});
    CHECK(shown(ordered, 1) == std::vector<std::string>{"attributes a", "attributes ."});
    for (const Setting& setting : ordered.settings) {
        if (setting.path != base::RelPath{"c"}) continue;
        CHECK(Setting::attributes(setting.before) == few_objects()[0].old_tree.at("c").attributes);
        CHECK(setting.after == setting.before);
        CHECK(setting.inode == world.disk.open("/data")->status("c").value().inode);
    }
}

TEST_CASE("what goes from a directory that stays goes, also when the directory's attributes change",
          "[commit]") {
    World world{{{"/data",
                  {{".", directory(1)}, {"a", directory(2)}, {"a/b", file("b", 3)}},
                  {{".", directory(1)}, {"a", directory(4)}}}}};
    CHECK(world.commit(world.stage_all()).outcome == base::Outcome::committed);
    CHECK(world.is_new());
}

TEST_CASE("what lies in a removed directory is not removed by itself", "[commit]") {
    World world{{{"/data",
                  {{".", directory(1)}, {"a", directory(2)}, {"a/b", directory(3)}, {"a/b/c", file("c", 4)}},
                  {{".", directory(5)}}}}};
    const auto root = world.disk.open("/data");
    staging::Staging staging{*root, staging::open_reserved(*root)};
    for (const char* path : {"a/b/c", "a", "a/b"}) staging.remove(base::RelPath{path});
    staging.change_attributes(base::RelPath{}, {0755, 0, 0, {1, 7}}, {0755, 0, 0, {5, 7}});
    Plan plan{.run_id = "run-1", .trees = {{"/data", staging.finish()}}, .swaps = {}};
    staging.sync();
    CHECK(shown(order(world.machine, plan), 0) == std::vector<std::string>{"remove a", "attributes ."});
    CHECK(world.commit(plan).outcome == base::Outcome::committed);
    CHECK(test::read_tree(*root) == test::Tree{{".", directory(5)}});
}

}  // namespace
}  // namespace ft::commit
