#include <catch2/catch.hpp>
#include <utility>

#include "commit/world.h"

namespace ft::commit {
namespace {

using base::Outcome;

using Hook = std::function<void(std::string_view action, std::string_view path)>;

/// A directory in which somebody acts right before and right after each change ("before rename", "after
/// ...").
class RacingDirectory : public os::Directory {
public:
    RacingDirectory(std::unique_ptr<os::Directory> real, const Hook& hook)
        : real_{std::move(real)}, hook_{hook} {}

    std::string path() const override { return real_->path(); }
    std::vector<os::Name> list() const override { return real_->list(); }
    std::optional<os::Status> status(std::string_view path) const override { return real_->status(path); }
    std::string read_link(std::string_view path) const override { return real_->read_link(path); }
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
        hook_("before rename", from);
        real_->rename(from, behind(to_directory), to);
        hook_("after rename", to);
    }
    void exchange(std::string_view path, os::Directory& other_directory, std::string_view other) override {
        hook_("before exchange", other);
        real_->exchange(path, behind(other_directory), other);
    }
    void remove(std::string_view path) override { real_->remove(path); }
    void set_attributes(std::string_view path, const base::Attributes& attributes) override {
        hook_("before attributes", path);
        real_->set_attributes(path, attributes);
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

}  // namespace
}  // namespace ft::commit
