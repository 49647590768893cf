#include "ft/fetch/host_files.h"

#include <catch2/catch.hpp>

#include "fetch/tree_pull.h"
#include "ft/records/state_directory.h"
#include "support/memory_disk.h"
#include "support/memory_machine.h"

using namespace ft;
using fetch::HostFiles;
using Lines = std::vector<std::string>;

namespace {

/// A destination with /etc and a tree /srv/data.
class Machine {
public:
    Machine() {
        for (const char* path : {"etc", "srv", "srv/data"}) root_->create_directory(path);
        machine_.own_name = "web2";
        system.name = "t";
        system.trees = {{"data", "/srv/data"}};
        manifest.trees = {{"data", {}}};
    }

    system::Description system;
    system::Manifest manifest;

    void file(const std::string& path, const std::string& content) { os::write_whole(*root_, path, content); }
    void link(const std::string& path, const std::string& target) { root_->create_symlink(path, target); }
    HostFiles host_files() { return HostFiles{machine_, system, manifest}; }
    os::Directory& root() { return *root_; }
    test::MemoryMachine& machine() { return machine_; }

private:
    test::MemoryDisk disk_;
    test::MemoryMachine machine_{disk_};
    std::unique_ptr<os::Directory> root_ = disk_.open("/");
};

/// "KIND PATH" of what a run would change in /etc.
Lines staged(HostFiles& files) {
    static test::MemoryDisk no_journal;
    static const auto state = no_journal.open("/");
    const auto changes = files.stage({}, *state);
    Lines lines;
    if (!changes) return lines;
    CHECK(changes->root == "/etc");
    for (const staging::Move& move : changes->list.moves) {
        lines.push_back((move.kind == staging::MoveKind::place ? "place " : "replace ") + move.path.bytes());
    }
    return lines;
}

}  // namespace

TEST_CASE("nothing of the host is planned without accounts and a public name", "[host_files]") {
    Machine machine;
    HostFiles files = machine.host_files();
    CHECK(files.summary().empty());
    CHECK_FALSE(files.host_name());
    CHECK(staged(files).empty());
}

TEST_CASE("a public name changes files and kernel, of a whole machine only the latter", "[host_files]") {
    Machine machine;
    machine.file("etc/hosts", "127.0.1.1 web2\n");
    machine.file("etc/mailname", "web2\n");
    machine.manifest.public_hostname = "files.example.net";
    HostFiles files = machine.host_files();
    CHECK(files.host_name() == commit::HostName{"web2", "files.example.net"});
    CHECK(files.summary() == "    host name: becomes files.example.net\n");
    CHECK(staged(files) == Lines{"place hostname", "replace hosts", "replace mailname"});
    CHECK(os::read_all(machine.root(), "etc/.ft-staging/1/2", 100) == "127.0.1.1 files.example.net files\n");
}

TEST_CASE("a name that the machine has already changes nothing", "[host_files]") {
    Machine machine;
    machine.file("etc/hostname", "# mine\nfiles.example.net\n");
    machine.file("etc/hosts", "127.0.1.1 files.example.net files\n");
    machine.machine().own_name = "files.example.net";
    machine.manifest.public_hostname = "files.example.net";
    HostFiles files = machine.host_files();
    CHECK_FALSE(files.host_name());
    CHECK(files.summary().empty());
    CHECK(staged(files).empty());
}

TEST_CASE("an /etc that was missing is the run's: it goes with its undo, or with a run that fails",
          "[host_files]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    machine.own_name = "web2";
    for (const char* name : {"state", "there"}) disk.open("/")->create_directory(name);
    const auto state = disk.open("/state");
    system::Description system;
    system.root = "/there";
    system::Manifest manifest;
    manifest.public_hostname = "files";
    const bool fails = GENERATE(false, true);
    {
        HostFiles files{machine, system, manifest};
        const auto changes = files.stage({}, *state);
        REQUIRE(changes);
        CHECK(changes->made == Lines{"/there/etc"});
        if (!fails) files.let_go();
    }
    CHECK(disk.open("/there")->status("etc").has_value() != fails);
    CHECK(state->status(records::kMadeRoots).has_value() != fails);
}

TEST_CASE("a file of the name that is kept, or a link out of /etc, is left alone with a warning",
          "[host_files]") {
    Machine machine;
    machine.file("etc/hosts", "127.0.1.1 web2\n");
    machine.link("etc/mailname", "/srv/mailname");
    machine.file("srv/mailname", "web2\n");
    machine.system.keep_files = {"/etc/hosts"};
    machine.manifest.public_hostname = "files";
    HostFiles files = machine.host_files();
    CHECK(files.warnings() ==
          Lines{"/etc/hosts: would be written by this run, but keep.files of system.json names it",
                "/etc/mailname: is a link that leads out of /etc, where ft writes nothing"});
    CHECK(files.findings().empty());
    CHECK(staged(files) == Lines{"place hostname"});
}

TEST_CASE("a file that is a link within /etc is written where it leads", "[host_files]") {
    Machine machine;
    machine.root().create_directory("etc/site");
    machine.file("etc/site/hostname", "web2\n");
    machine.link("etc/hostname", "site/hostname");
    machine.file("etc/hosts", "127.0.1.1 files\n");
    machine.manifest.public_hostname = "files";
    HostFiles files = machine.host_files();
    CHECK(staged(files) == Lines{"replace site/hostname"});
}

TEST_CASE("account files that may not be written are findings", "[host_files]") {
    Machine machine;
    machine.system.accounts = true;
    machine.system.keep_files = {"/etc/shadow"};
    machine.link("etc/passwd", "/srv/passwd");
    machine.manifest.accounts = system::AccountFiles{};
    machine.manifest.accounts->passwd = {"odd"};
    HostFiles files = machine.host_files();
    CHECK(files.findings() ==
          Lines{"/etc/passwd, line 1: is not as the lines of this file are",
                "/etc/passwd: is a link that leads out of /etc, where ft writes nothing",
                "/etc/shadow: would be written by this run, but keep.files of system.json names it"});
}

TEST_CASE("what is removed is named in the question, many names in short", "[host_files]") {
    Machine machine;
    machine.system.accounts = true;
    machine.manifest.accounts = system::AccountFiles{};
    std::string passwd = "root:x:0:0::/root:/bin/sh\n";
    for (int i = 0; i < 22; ++i)
        passwd += "u" + std::to_string(i) + ":x:" + std::to_string(1000 + i) + ":0::/:/bin/sh\n";
    machine.file("etc/passwd", passwd);
    machine.file("etc/group", "root:x:0:\nteam:x:1000:\n");
    const std::string summary = machine.host_files().summary();
    CHECK_THAT(summary, Catch::Contains("users that only this server has are removed: u0, u1, ") &&
                            Catch::Contains("u19, and 2 more\n") &&
                            Catch::Contains("groups that only this server has are removed: team\n"));
}

TEST_CASE("what was staged in /etc goes when no commit came", "[host_files]") {
    Machine machine;
    machine.manifest.public_hostname = "files";
    {
        HostFiles files = machine.host_files();
        CHECK_FALSE(staged(files).empty());
        CHECK(machine.root().status("etc/.ft-staging"));
    }
    CHECK_FALSE(machine.root().status("etc/.ft-staging"));
    CHECK_FALSE(machine.root().status("etc/hostname"));
}

TEST_CASE("kept is what exists, a tree covers, and nobody excludes or writes", "[host_files]") {
    Machine machine;
    machine.system.trees = {{"all", "/", {"/etc/fstab"}}};
    machine.manifest.trees = {{"all", {"/etc/crypttab"}}};
    for (const char* name :
         {"etc/fstab", "etc/crypttab", "etc/hosts", "etc/machine-id", "etc/passwd", "srv/kept"})
        machine.file(name, "");
    machine.system.keep_files = {"/srv/kept", "/srv/missing"};
    machine.system.accounts = true;
    machine.manifest.accounts = system::AccountFiles{};
    machine.manifest.public_hostname = "files";
    fetch::Report report;
    machine.host_files().tell_kept(report);
    Lines lines;
    for (const auto& kept : report.kept) lines.push_back(kept.kind + " " + kept.name + " " + kept.group);
    CHECK(lines == Lines{"account root root's password", "file /srv/kept ",
                         "host setting /etc/machine-id machine identity"});
}
