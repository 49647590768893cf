#include <catch2/catch.hpp>
#include <utility>

#include "commit/world.h"

namespace ft::commit {
namespace {

using base::Outcome;

using Hook = std::function<void(std::string_view action, std::string_view path)>;

/// XFS gives a directory that moves itself a new time.
void touch_moved(os::Directory& directory, std::string_view name) {
    const auto status = directory.status(name);
    if (!status || status->type != base::FileType::directory) return;
    base::Attributes touched = status->attributes;
    touched.mtime = {9'999, 9};
    directory.set_attributes(name, touched);
}

/// A directory in which somebody acts right before and right after each change ("before rename", "after
/// ..."); without a hook: one on XFS.
class RacingDirectory : public os::Directory {
public:
    RacingDirectory(std::unique_ptr<os::Directory> real, const Hook& hook)
        : real_{std::move(real)}, hook_{hook} {}

    std::string path() const override { return real_->path(); }
    void for_each_name(const os::UseName& use) const override { real_->for_each_name(use); }
    std::optional<os::Status> status(std::string_view path) const override { return real_->status(path); }
    std::string read_link(std::string_view path) const override { return real_->read_link(path); }
    std::string extended(std::string_view path) const override { return real_->extended(path); }
    std::unique_ptr<const os::File> open_file(std::string_view path) const override {
        return std::as_const(*real_).open_file(path);
    }
    std::unique_ptr<const os::Directory> open_directory(std::string_view path) const override {
        return std::as_const(*real_).open_directory(path);
    }
    os::Space space() const override { return real_->space(); }
    std::unique_ptr<os::Directory> open_directory(std::string_view path) override {
        return std::make_unique<RacingDirectory>(real_->open_directory(path), hook_);
    }
    std::unique_ptr<os::File> create_file(std::string_view path) override { return real_->create_file(path); }
    std::unique_ptr<os::File> change_file(std::string_view path) override { return real_->change_file(path); }
    void create_directory(std::string_view path) override { real_->create_directory(path); }
    void create_symlink(std::string_view path, std::string_view target) override {
        real_->create_symlink(path, target);
    }
    void create_special(std::string_view path, base::FileType type, std::uint32_t major,
                        std::uint32_t minor) override {
        real_->create_special(path, type, major, minor);
    }
    void link(std::string_view path, os::Directory& to_directory, std::string_view to) override {
        real_->link(path, behind(to_directory), to);
    }
    void rename(std::string_view from, os::Directory& to_directory, std::string_view to) override {
        if (hook_) hook_("before rename", from);
        real_->rename(from, behind(to_directory), to);
        hook_ ? hook_("after rename", to) : touch_moved(behind(to_directory), to);
    }
    void exchange(std::string_view path, os::Directory& other_directory, std::string_view other) override {
        if (hook_) hook_("before exchange", other);
        real_->exchange(path, behind(other_directory), other);
        if (hook_) return;
        touch_moved(*real_, path);
        touch_moved(behind(other_directory), other);
    }
    void remove(std::string_view path) override { real_->remove(path); }
    void set_attributes(std::string_view path, const base::Attributes& attributes) override {
        if (hook_) hook_("before attributes", path);
        real_->set_attributes(path, attributes);
    }
    void set_extended(std::string_view path, std::string_view packed) override {
        real_->set_extended(path, packed);
    }
    void sync() override { real_->sync(); }
    void sync_file_system() override { real_->sync_file_system(); }

private:
    static os::Directory& behind(os::Directory& directory) {
        return *dynamic_cast<RacingDirectory&>(directory).real_;
    }
    std::unique_ptr<os::Directory> real_;
    const Hook& hook_;
};

class RacingMachine : public test::MemoryMachine {
public:
    using MemoryMachine::MemoryMachine;
    Hook hook;
    std::unique_ptr<os::Directory> open_root(const std::string& path) override {
        return std::make_unique<RacingDirectory>(MemoryMachine::open_root(path), hook);
    }
};

TEST_CASE("an object that is exchanged in the moment of its change rolls the commit back", "[commit]") {
    World world{all_kinds()};
    const Plan plan = world.stage_all();
    const auto data = world.disk.open("/data");
    data->create_file("planted")->write_at(0, base::as_bytes("planted"));
    const test::Tree before = test::read_tree(*data);
    const auto [moment, path] = GENERATE(table<std::string, std::string>({{"after rename", "fresh"},
                                                                          {"before exchange", "content"},
                                                                          {"before rename", "gone"},
                                                                          {"before attributes", "mode"}}));
    INFO(moment << " of " << path);
    RacingMachine machine{world.disk};
    bool acted = false;
    machine.hook = [&, moment = moment, path = path](std::string_view now, std::string_view name) {
        if (acted || now != moment || name != path) return;
        acted = true;
        data->exchange("planted", *data, path);
    };
    const Committed result = commit(machine, *world.disk.open("/state"), plan, world.swapper);
    CHECK(acted);
    CHECK(result.outcome == Outcome::rolled_back);
    CHECK(result.reason == "/data/" + path +
                               (moment == "before exchange"
                                    ? ": was replaced during the run"
                                    : ": was exchanged for something else at this very moment"));
    CHECK(world.swapper.state() == FileSwapper::state(1, 2, 0));
    // All is as before, but for the two objects that somebody else exchanged.
    test::Tree left = test::read_tree(*data);
    test::Tree wanted = before;
    for (test::Tree* tree : {&left, &wanted}) {
        tree->erase(".");
        std::erase_if(*tree, [&, path = path](const auto& entry) {
            return base::RelPath{path}.holds(base::RelPath{entry.first}) ||
                   base::RelPath{"planted"}.holds(base::RelPath{entry.first});
        });
    }
    CHECK(left == wanted);
}

/// How many objects are not those of the new trees (or the old); other than directories count as many.
unsigned differences(World& world, bool new_ones) {
    unsigned found = 0;
    for (const TreePair& tree : all_kinds()) {
        const test::Tree left = test::read_tree(*world.disk.open(tree.root));
        const test::Tree& wanted = new_ones ? tree.new_tree : tree.old_tree;
        found += left.size() == wanted.size() ? 0 : 100;
        for (const auto& [path, object] : wanted) {
            if (left.contains(path) && left.at(path) == object) continue;
            found += object.type == base::FileType::directory ? 1 : 100;
        }
    }
    return found;
}

TEST_CASE("directories keep their times where the file system moves those of what is moved", "[commit]") {
    for (std::uint64_t step = 2;; ++step) {  // the first is that of the journal
        INFO("attributes that cannot be set in the undo: number " << step);
        World world{all_kinds()};
        RacingMachine machine{world.disk};
        const auto state = world.disk.open("/state");
        Plan plan = world.stage_all();
        plan.host_name.reset();
        REQUIRE(commit(machine, *state, plan, world.swapper).outcome == Outcome::committed);
        REQUIRE(differences(world, true) == 0);
        world.disk.fail(step, "attributes", EPERM);
        Outcome outcome{};
        try {
            outcome = undo(machine, *state, world.swapper).outcome;
        } catch (const base::Error& error) {  // the last is that of the journal again
            REQUIRE(error.kind() == base::ErrorKind::recovery);
            outcome = recover(machine, *state, world.swapper).outcome;
        }
        const bool undone = outcome == Outcome::undone;
        INFO(world.shown());
        // If that was to give a directory its time back, its time is lost.
        REQUIRE(differences(world, !undone) <= (undone ? 0 : 1));
        if (undone) break;
        REQUIRE(step < 100);
    }
}

TEST_CASE("and so they do in a roll back, and in recoveries", "[commit]") {
    World world{all_kinds()};
    RacingMachine machine{world.disk};
    const auto state = world.disk.open("/state");
    Plan plan = world.stage_all();
    plan.host_name.reset();
    SECTION("a roll back") {
        const auto data = world.disk.open("/data");
        data->create_file("planted");
        data->exchange("planted", *data, "mode");
        data->set_attributes(".", all_kinds()[0].old_tree.at(".").attributes);
        REQUIRE(commit(machine, *state, plan, world.swapper).outcome == Outcome::rolled_back);
        data->exchange("planted", *data, "mode");
        data->remove("planted");
        data->set_attributes(".", all_kinds()[0].old_tree.at(".").attributes);
        CHECK(differences(world, false) == 0);
    }
    SECTION("recoveries, wherever the process was killed") {
        for (std::uint64_t step = 1;; ++step) {
            INFO("killed at operation " << step);
            World other{all_kinds()};
            RacingMachine others{other.disk};
            Plan staged = other.stage_all();
            staged.host_name.reset();
            const bool finished = other.disk.run_until_power_loss(
                step, [&] { commit(others, *other.disk.open("/state"), staged, other.swapper); });
            other.disk.restart(test::Seed{1});
            recover(others, *other.disk.open("/state"), other.swapper);
            INFO(other.shown());
            REQUIRE(differences(other, other.swapper.current() == 2) == 0);
            if (finished) break;
        }
    }
}

}  // namespace
}  // namespace ft::commit
