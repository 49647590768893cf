#include "ft/system/host_settings.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "ft/base/error.h"
#include "support/memory_disk.h"

using namespace ft;

namespace {

tree::Rules rules_at(const std::string& path, const std::vector<std::string>& own = {},
                     const std::vector<std::string>& more = {},
                     const std::string& state_dir = "/var/lib/ft") {
    system::Description system;
    system.state_dir = state_dir;
    return system::rules_of(system, {"t", path, own}, more, {".ft-staging"});
}

}  // namespace

TEST_CASE("host settings stay wherever the tree begins", "[system]") {
    for (const char* path :
         {"hostname", "ssh/ssh_host_rsa_key", "ssh/ssh_host_ed25519_key.pub", "netplan/50.yaml", "shadow-",
          "sysconfig/network-scripts/ifcfg-eth0", "ft/system.json"}) {
        INFO(path);
        CHECK(rules_at("/etc").hides(path, false));
        CHECK(rules_at("/").hides(std::string{"etc/"} + path, false));
        CHECK_FALSE(rules_at("/").hides(path, false));
        CHECK_FALSE(rules_at("/data").hides(std::string{"etc/"} + path, false));
    }
    CHECK(rules_at("/etc/ssh").hides("ssh_host_rsa_key", false));
    CHECK_FALSE(rules_at("/etc/ssh").hides("sub/ssh_host_rsa_key", false));
    CHECK_FALSE(rules_at("/etc").hides("ssh/sshd_config", false));
    CHECK_FALSE(rules_at("/etc").hides("hostname.d", false));
    CHECK_FALSE(rules_at("/etc").hides("ssh", true));
}

TEST_CASE("every host setting is hidden in a tree of the whole machine", "[system]") {
    const tree::Rules rules = rules_at("/");
    for (const system::HostSetting& setting : system::host_settings()) {
        std::string path = setting.path;
        std::replace(path.begin(), path.end(), '*', 'x');
        INFO(path);
        CHECK(rules.hides(path.substr(1), false));
        CHECK(rules.hides(path.substr(1), true));
        CHECK(system::is_host_setting(path));
        CHECK(system::is_host_setting(path + "/below"));
    }
    CHECK_FALSE(system::is_host_setting("/"));
    CHECK_FALSE(system::is_host_setting("/etc"));
    CHECK_FALSE(system::is_host_setting("/srv/etc/hostname"));
}

TEST_CASE("a tree's rules are both sides' patterns, state_dir and reserved names", "[system]") {
    const tree::Rules rules = rules_at("/var", {"*.pid"}, {"/cache/"});
    CHECK(rules.hides("x/a.pid", false));
    CHECK(rules.hides("cache/a", false));
    CHECK(rules.hides("lib/ft/journal", false));
    CHECK(rules.hides(".ft-staging/1/1", false));
    CHECK_FALSE(rules.hides("lib", true));
    CHECK_FALSE(rules.hides("x/.ft-staging", true));
    CHECK_FALSE(rules_at("/var", {}, {}, "/srv/ft").hides("lib/ft", true));
    CHECK_THROWS_AS(rules_at("/var", {}, {""}), base::Error);
}

TEST_CASE("the reserved name is hidden in /etc too, where host files are staged", "[system]") {
    CHECK(rules_at("/").hides("etc/.ft-staging", true));
    CHECK(rules_at("/etc").hides(".ft-staging", true));
    CHECK_FALSE(rules_at("/etc/app").hides("etc/.ft-staging", true));
}

namespace {

/// A root with directories and links.
class Root {
public:
    void directory(const std::string& path) { root_->create_directory(path); }
    void file(const std::string& path) { root_->create_file(path); }
    void link(const std::string& path, const std::string& target) { root_->create_symlink(path, target); }
    const os::Directory& get() const { return *root_; }

    /// What of `paths` (in a tree of the whole machine) is kept, with `files` as keep.files.
    std::vector<std::string> kept(const std::vector<std::string>& files,
                                  const std::vector<std::string>& paths) {
        system::Description system;
        system.keep_files = files;
        const system::TreeDescription all{"all", "/"};
        tree::Rules rules = system::rules_of(system, all, {}, {});
        system::keep(rules, all, system::kept_paths(*root_, system));
        std::vector<std::string> hidden;
        for (const std::string& path : paths) {
            if (rules.hides(path, false)) hidden.push_back(path);
        }
        return hidden;
    }

private:
    test::MemoryDisk disk_;
    std::unique_ptr<os::Directory> root_ = disk_.open("/");
};

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("what a host setting leads to stays with the links on the way", "[system]") {
    Root root;
    root.directory("etc");
    root.directory("etc/resolvconf");
    root.directory("run");
    root.directory("run/resolvconf");
    root.file("run/resolvconf/resolv.conf");
    root.file("run/resolvconf/other");
    root.link("etc/resolv.conf", "resolvconf/run/./resolv.conf");
    root.link("etc/resolvconf/run", "/run//resolvconf");
    CHECK(system::follow_links(root.get(), "/etc/resolv.conf") ==
          Paths{"/etc/resolv.conf", "/etc/resolvconf/run", "/run/resolvconf/resolv.conf"});
    CHECK(root.kept({}, {"run/resolvconf/resolv.conf", "run/resolvconf/other", "run"}) ==
          Paths{"run/resolvconf/resolv.conf"});
}

TEST_CASE("a directory of host settings that is a link stays a link", "[system]") {
    Root root;
    for (const char* path : {"etc", "etc/sysconfig", "net", "net/etc", "net/scripts"}) root.directory(path);
    root.file("net/etc/interfaces");
    root.file("net/scripts/ifcfg-eth0");
    root.file("net/scripts/ifup");
    root.link("etc/network", "../net/etc");
    root.link("etc/sysconfig/network-scripts", "../../../net/scripts");
    CHECK(root.kept({}, {"etc/network", "net/etc/interfaces", "net/etc/other", "net/scripts/ifcfg-eth0",
                         "net/scripts/ifup", "etc/sysconfig/network-scripts"}) ==
          Paths{"etc/network", "net/etc/interfaces", "net/scripts/ifcfg-eth0",
                "etc/sysconfig/network-scripts"});
}

TEST_CASE("a link whose end is missing, is no path, or is itself, ends the search", "[system]") {
    Root root;
    root.directory("etc");
    root.link("etc/resolv.conf", "/run/systemd/resolve/stub-resolv.conf");
    root.link("etc/hostname", "hostname");
    root.link("etc/hosts", std::string(300, 'x'));
    root.link("etc/aliases", "/");
    CHECK(system::follow_links(root.get(), "/etc/resolv.conf") ==
          Paths{"/etc/resolv.conf", "/run/systemd/resolve/stub-resolv.conf"});
    CHECK(system::follow_links(root.get(), "/etc/hostname").size() == 40);
    CHECK(system::follow_links(root.get(), "/etc/hosts") == Paths{"/etc/hosts"});
    CHECK(root.kept({}, {"etc/hosts", "etc/aliases", "run/systemd/resolve/stub-resolv.conf", "etc"}) ==
          Paths{"etc/hosts", "etc/aliases", "run/systemd/resolve/stub-resolv.conf"});
}

TEST_CASE("keep.files stay with all that they hold, also those that are missing", "[system]") {
    Root root;
    root.directory("srv");
    root.directory("srv/app");
    root.directory("elsewhere");
    root.link("srv/link", "../elsewhere");
    CHECK(root.kept({"/srv/app", "/srv/missing", "/srv/link"},
                    {"srv", "srv/app", "srv/app/x", "srv/missing", "srv/link", "elsewhere/x", "srv/other"}) ==
          Paths{"srv/app", "srv/app/x", "srv/missing", "srv/link", "elsewhere/x"});
}
