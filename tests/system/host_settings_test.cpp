#include "ft/system/host_settings.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "ft/base/error.h"

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
    for (std::string path : system::host_setting_paths()) {
        if (path.ends_with('*')) path.back() = 'x';
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
    CHECK(rules.hides(".ft-staging/slots/1", false));
    CHECK_FALSE(rules.hides("lib", true));
    CHECK_FALSE(rules.hides("x/.ft-staging", true));
    CHECK_FALSE(rules_at("/var", {}, {}, "/srv/ft").hides("lib/ft", true));
    CHECK_THROWS_AS(rules_at("/var", {}, {""}), base::Error);
}
