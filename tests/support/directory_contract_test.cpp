#include <unistd.h>

#include <catch2/catch.hpp>

#include "ft/base/bytes.h"
#include "ft/os/machine.h"
#include "support/error_of.h"
#include "support/memory_disk.h"

namespace ft::test {
namespace {

using base::FileType;

/// Does what a caller may try, and tells what came of it.
std::vector<std::string> try_all(os::Directory& top) {
    std::vector<std::string> told;
    const auto tell = [&](const std::string& what, const std::function<void()>& action) {
        std::string outcome = error_of(action);
        for (std::size_t at = 0; (at = outcome.find(top.path(), at)) != std::string::npos;) {
            outcome.replace(at, top.path().size(), "TOP");
        }
        told.push_back(what + ": " + outcome);
    };
    const std::string long_name(256, 'n');
    tell("create file", [&] { top.create_file("f")->write_at(5, base::as_bytes("data")); });
    tell("create directory", [&] { top.create_directory("d"); });
    tell("create below", [&] { top.create_directory("d/e"); });
    tell("create link", [&] { top.create_symlink("l", "d"); });
    tell("create pipe", [&] { top.create_special("p", FileType::fifo, 0, 0); });
    tell("create socket", [&] { top.create_special("s", FileType::socket, 0, 0); });
    for (const std::string at :
         {"f", "d", "l", "p", "none", "none/x", "f/x", "l/e", ".", "..", "d/", "", "d/../f"}) {
        tell("create " + at, [&] { top.create_directory(at); });
        tell("open file " + at, [&] { top.open_file(at); });
        tell("change file " + at, [&] { top.change_file(at); });
        tell("open directory " + at, [&] { top.open_directory(at); });
        tell("link " + at, [&] { top.read_link(at); });
        tell("attributes " + at, [&] {
            if (!top.status(at)) return top.set_attributes(at, {});
            auto attributes = top.status(at)->attributes;
            attributes.mtime = {at.empty() ? 0 : at.front(), 5};
            top.set_attributes(at, attributes);
        });
        tell("status " + at, [&] {
            const auto status = top.status(at);
            if (!status) return told.push_back("nothing");
            told.push_back(std::string{base::name_of(status->type)} + " " + std::to_string(status->size) +
                           " " + std::to_string(status->attributes.mode) + " " +
                           std::to_string(status->attributes.mtime.seconds));
        });
    }
    tell("long name", [&] { top.create_file(long_name); });
    tell("status of a long name", [&] { top.status(long_name); });
    tell("remove full", [&] { top.remove("d"); });
    tell("remove none", [&] { top.remove("none"); });
    tell("remove below a file", [&] { top.remove("f/x"); });
    tell("rename to existing", [&] { top.rename("f", top, "d"); });
    tell("rename to itself", [&] { top.rename("f", top, "f"); });
    tell("rename none", [&] { top.rename("none", top, "other"); });
    tell("rename from nowhere", [&] { top.rename("none/f", top, "g"); });
    tell("rename to nowhere", [&] { top.rename("f", top, "none/f"); });
    tell("rename through a link", [&] { top.rename("f", top, "l/f"); });
    tell("rename into itself", [&] { top.rename("d", top, "d/e/d"); });
    tell("exchange with none", [&] { top.exchange("f", top, "none"); });
    tell("exchange none", [&] { top.exchange("none", top, "f"); });
    tell("exchange with what holds it", [&] { top.exchange("d", top, "d/e"); });
    tell("exchange with what it holds", [&] { top.exchange("d/e", top, "d"); });
    tell("exchange with itself", [&] { top.exchange("f", top, "f"); });
    tell("exchange file and directory", [&] { top.exchange("f", *top.open_directory("d"), "e"); });
    tell("exchange link and pipe", [&] { top.exchange("l", top, "p"); });
    tell("link", [&] {
        top.link("f", *top.open_directory("d"), "linked");
        told.push_back(std::to_string(top.status("f")->links) +
                       (top.status("d/linked")->inode == top.status("f")->inode ? " same" : " other"));
    });
    tell("link to existing", [&] { top.link("f", top, "d"); });
    tell("link none", [&] { top.link("none", top, "g"); });
    tell("link to nowhere", [&] { top.link("f", top, "none/f"); });
    tell("link a directory", [&] { top.link("d", top, "g"); });
    tell("link a pipe and a link", [&] {
        top.link("p", top, "p2");
        top.link("l", top, "l2");
        top.remove("p2");
        top.remove("l2");
    });
    tell("rename a directory", [&] { top.rename("f", *top.open_directory("d"), "moved"); });
    const auto removed = top.open_directory("d/moved");
    tell("remove", [&] { top.remove("d/moved"); });
    tell("create in a removed directory", [&] { removed->create_file("x"); });
    tell("rename into a removed directory", [&] { top.rename("s", *removed, "x"); });
    tell("list a removed directory", [&] { told.push_back(std::to_string(removed->list().size())); });
    tell("sync", [&] {
        top.sync();
        top.change_file("d/e")->sync();
        top.sync_file_system();
    });
    tell("remove what is listed", [&] {
        for (const char* name : {"d/1", "d/2", "d/3"}) top.create_file(name);
        const auto listed = top.open_directory("d");
        int names = 0;
        listed->for_each_name([&](std::string_view name, std::uint64_t) {
            ++names;
            if (name != "e") listed->remove(name);
        });
        told.push_back(std::to_string(names) + " " + std::to_string(listed->list().size()));
    });
    tell("remove all", [&] { os::remove_all(top, "d"); });
    for (const auto& [path, object] : read_tree(top)) told.push_back(path + " " + object.content);
    return told;
}

TEST_CASE("the disk in memory answers as the real one does", "[support]") {
    MemoryDisk disk;
    disk.open("/")->create_directory("top");
    const auto in_memory = try_all(*disk.open("/top"));

    std::string path = "/tmp/ft-contract-XXXXXX";
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    const auto machine = os::make_machine();
    const auto top = machine->open_root(path);
    const auto on_disk = try_all(*top);
    for (const auto& name : top->list()) os::remove_all(*top, name.name);
    machine->remove_root(path);

    REQUIRE(in_memory.size() == on_disk.size());
    for (std::size_t i = 0; i < on_disk.size(); ++i) CHECK(in_memory[i] == on_disk[i]);
}

}  // namespace
}  // namespace ft::test
