#include "ft/system/accounts.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "ft/base/bytes.h"
#include "support/memory_disk.h"
#include "support/memory_machine.h"

using namespace ft;
using system::AccountFiles;
using system::MergedAccounts;
using Lines = std::vector<std::string>;

namespace {

const std::string kRootUser = "root:x:0:0:root:/root:/bin/bash";
const std::string kRootGroup = "root:x:0:";

/// A machine with root and what a test adds.
AccountFiles files(const Lines& users = {}, const Lines& groups = {}, const Lines& shadow = {}) {
    AccountFiles result;
    result.passwd = {kRootUser};
    result.group = {kRootGroup};
    result.shadow = {"root:ROOT:1::::::"};
    result.passwd.insert(result.passwd.end(), users.begin(), users.end());
    result.group.insert(result.group.end(), groups.begin(), groups.end());
    result.shadow.insert(result.shadow.end(), shadow.begin(), shadow.end());
    return result;
}

Lines fields(const std::string& line) {
    Lines result;
    std::stringstream stream{line + ":"};
    for (std::string field; std::getline(stream, field, ':');) result.push_back(field);
    return result;
}

/// The line of `name`, without it and its colon; "-" when there is none.
std::string of(const Lines& lines, const std::string& name) {
    for (const std::string& line : lines) {
        if (line.starts_with(name + ':')) return line.substr(name.size() + 1);
    }
    return "-";
}

MergedAccounts merged(const AccountFiles& source, const AccountFiles& here) {
    const MergedAccounts result = system::merge(source, here);
    INFO("a second run changes nothing");
    CHECK(system::merge(source, result.files).files == result.files);
    return result;
}

}  // namespace

TEST_CASE("root stays as it is here, with its password and its group", "[accounts]") {
    AccountFiles source = files();
    source.passwd = {"root:x:0:0:there:/there:/bin/zsh"};
    source.shadow = {"root:THERE:2::::::"};
    source.group = {"root:x:0:mallory"};
    AccountFiles here = files();
    here.shadow = {"root:HERE:1::::::"};
    const auto result = merged(source, here);
    CHECK(result.files == here);
    CHECK(result.warnings.empty());
    CHECK(result.findings.empty());
}

TEST_CASE("a regular account on both sides keeps its number here, all else comes", "[accounts]") {
    const auto result = merged(
        files({"anna:x:1000:1000:Anna:/home/anna:/bin/zsh"}, {"anna:x:1000:"}, {"anna:NEW:19000:0:9::::"}),
        files({"anna:x:1004:1007::/old:/bin/sh"}, {"anna:x:1007:"}, {"anna:OLD:1::::::"}));
    CHECK(of(result.files.passwd, "anna") == "x:1004:1007:Anna:/home/anna:/bin/zsh");
    CHECK(of(result.files.shadow, "anna") == "NEW:19000:0:9::::");
    CHECK(of(result.files.group, "anna") == "x:1007:");
    CHECK(result.removed_users.empty());
    CHECK(result.added_users.empty());
}

TEST_CASE("a system account on both sides keeps its line here and takes the password", "[accounts]") {
    const auto result = merged(
        files({"www-data:x:33:33::/srv/there:/bin/sh"}, {"www-data:x:33:"}, {"www-data:SET:2::::::"}),
        files({"www-data:x:48:49::/var/www:/sbin/nologin"}, {"www-data:x:49:"}, {"www-data:*:1::::::"}));
    CHECK(of(result.files.passwd, "www-data") == "x:48:49::/var/www:/sbin/nologin");
    CHECK(of(result.files.shadow, "www-data") == "SET:2::::::");
    CHECK(of(result.files.group, "www-data") == "x:49:");
}

TEST_CASE("an account that only one side calls a system account is a person's", "[accounts]") {
    const auto result =
        merged(files({"git:x:1001:1001::/home/git:/bin/bash"}, {"git:x:1001:"}, {"git:G:1::::::"}),
               files({"git:x:998:998::/var/lib/git:/usr/sbin/nologin"}, {"git:x:998:"}, {"git:!:1::::::"}));
    CHECK(of(result.files.passwd, "git") == "x:998:998::/home/git:/bin/bash");
    CHECK(of(result.files.group, "git") == "x:998:");
    CHECK(result.added_groups.empty());
}

TEST_CASE("what only the source has comes with its number where that is free", "[accounts]") {
    const auto result =
        merged(files({"bob:x:1005:1006:B:/home/bob:/bin/sh", "app:x:777:778::/srv:/bin/false"},
                     {"bob:x:1006:", "app:x:778:"}, {"bob:B:1::::::", "app:!:1::::::"}),
               files());
    CHECK(of(result.files.passwd, "bob") == "x:1005:1006:B:/home/bob:/bin/sh");
    CHECK(of(result.files.passwd, "app") == "x:777:778::/srv:/bin/false");
    CHECK(of(result.files.group, "bob") == "x:1006:");
    CHECK(of(result.files.shadow, "bob") == "B:1::::::");
    CHECK(result.added_users == Lines{"bob", "app"});
    CHECK(result.added_groups == Lines{"bob", "app"});
}

TEST_CASE("a number that is taken here makes way for a free one of its kind", "[accounts]") {
    const auto result = merged(
        files({"anna:x:1000:1000::/:/bin/sh", "bob:x:1001:1001::/:/bin/sh", "app:x:999:998::/:/bin/sh"},
              {"anna:x:1000:", "bob:x:1001:", "app:x:998:"}),
        files({"carl:x:1001:1000::/:/bin/sh", "db:x:999:998::/:/bin/sh", "bus:x:998:997::/:/bin/sh"},
              {"users:x:1000:", "db:x:998:", "bus:x:997:"}));
    CHECK(of(result.files.passwd, "anna") == "x:1000:1002::/:/bin/sh");
    // carl goes, but what he left outside of the trees does not become bob's.
    CHECK(of(result.files.passwd, "bob") == "x:1002:1001::/:/bin/sh");
    CHECK(of(result.files.passwd, "app") == "x:997:999::/:/bin/sh");
    CHECK(of(result.files.group, "anna") == "x:1002:");
    CHECK(of(result.files.group, "bob") == "x:1001:");
    CHECK(of(result.files.group, "app") == "x:999:");
    CHECK(result.removed_users == Lines{"carl"});
    CHECK(result.removed_groups == Lines{"users"});
}

TEST_CASE("another root of the source does not come, one of here stays with its password", "[accounts]") {
    const auto result = merged(
        files({"toor:x:0:0::/:/bin/sh", "admin:x:0:0::/:/bin/sh", "anna:x:1000:50::/:/bin/sh"},
              {"wheel:x:0:anna,admin", "staff:x:50:toor,anna,admin"}, {"toor:T:1::::::", "admin:A:1::::::"}),
        files({"toor:x:0:0:here:/:/bin/sh"}, {}, {"toor:HERE:1::::::"}));
    CHECK(of(result.files.passwd, "toor") == "x:0:0:here:/:/bin/sh");
    CHECK(of(result.files.shadow, "toor") == "HERE:1::::::");
    CHECK(of(result.files.passwd, "admin") == "-");
    CHECK(of(result.files.shadow, "admin") == "-");
    CHECK(of(result.files.group, "wheel") == "-");
    CHECK(of(result.files.group, "staff") == "x:50:toor,anna");
    CHECK(result.warnings == Lines{"user toor has the number 0 at the source and does not come",
                                   "user admin has the number 0 at the source and does not come",
                                   "group wheel has the number 0 at the source and does not come"});
}

TEST_CASE("a name that has number 0 here stays root's, whatever the source calls so", "[accounts]") {
    const auto result = merged(files({"toor:x:1000:1000::/:/bin/sh", "alias:x:1000:1000::/:/bin/sh"},
                                     {"toor:x:1000:"}, {"toor:THERE:1::::::"}),
                               files({"toor:x:0:0::/:/bin/sh"}, {}, {"toor:HERE:1::::::"}));
    CHECK(of(result.files.passwd, "toor") == "x:0:0::/:/bin/sh");
    CHECK(of(result.files.shadow, "toor") == "HERE:1::::::");
    CHECK(of(result.files.passwd, "alias") == "x:1000:1000::/:/bin/sh");
}

TEST_CASE("of what only this machine has, system accounts stay and people go", "[accounts]") {
    const auto result = merged(
        files(),
        files({"dave:x:1000:1000::/:/bin/sh", "ntp:x:101:102::/:/bin/false", "odd:x:102:1002::/:/bin/false",
               "nobody:x:65534:65534::/:/bin/false", "eve:x:1001:500::/:/bin/sh"},
              {"dave:x:1000:", "ntp:x:102:dave", "club:x:1001:dave,ntp",
               "oddities:x:1002:", "nogroup:x:65534:", "eve:x:500:", "adm:x:4:dave,ntp"},
              {"dave:D:1::::::", "ntp:!:1::::::"}));
    CHECK(result.removed_users == Lines{"dave", "eve"});
    // A group of eve's own goes with her though it has a system number; one that odd needs stays.
    CHECK(result.removed_groups == Lines{"dave", "club", "eve"});
    CHECK(result.files.passwd == Lines{kRootUser, "ntp:x:101:102::/:/bin/false",
                                       "odd:x:102:1002::/:/bin/false", "nobody:x:65534:65534::/:/bin/false"});
    CHECK(result.files.shadow == Lines{"root:ROOT:1::::::", "ntp:!:1::::::"});
    CHECK(result.files.group ==
          Lines{kRootGroup, "ntp:x:102:", "oddities:x:1002:", "nogroup:x:65534:", "adm:x:4:ntp"});
}

TEST_CASE("members of a group are the source's, and the system accounts that only this machine has",
          "[accounts]") {
    const auto result =
        merged(files({"anna:x:1000:100::/:/bin/sh", "www:x:33:33::/:/bin/sh"},
                     {"users:x:100:", "www:x:33:", "media:x:1500:anna,www,ghost", "video:x:44:anna"}),
               files({"www:x:33:33::/:/bin/sh", "dave:x:1003:100::/:/bin/sh", "mpd:x:120:100::/:/bin/sh"},
                     {"users:x:100:", "www:x:33:dave,mpd", "media:x:1600:mpd,dave,www", "video:x:44:dave",
                      "ssl-cert:x:110:www,dave,mpd,fromldap"}));
    // ghost and fromldap may be names of a directory service.
    CHECK(of(result.files.group, "media") == "x:1600:anna,www,ghost,mpd");
    CHECK(of(result.files.group, "video") == "x:44:anna");
    CHECK(of(result.files.group, "www") == "x:33:mpd");
    CHECK(of(result.files.group, "ssl-cert") == "x:110:www,mpd,fromldap");
}

TEST_CASE("gshadow is in step with group", "[accounts]") {
    AccountFiles source = files({"anna:x:1000:100::/:/bin/sh", "gone:x:0:0::/:/bin/sh"},
                                {"users:x:100:", "team:x:1001:anna,gone"});
    AccountFiles here =
        files({"dave:x:1003:100::/:/bin/sh"}, {"users:x:100:dave", "team:x:1001:dave", "adm:x:4:dave"});
    source.gshadow = {"root:*::", "users:!::", "team:SECRET:anna,gone:anna,gone"};
    here.gshadow = {"adm:!:dave:dave", "root:!::", "users:!::dave", "team:OLD:dave:dave"};
    SECTION("both have it") {
        CHECK(merged(source, here).files.gshadow ==
              Lines{"adm:!::", "root:!::", "users:!::", "team:SECRET:anna:anna"});
    }
    SECTION("the source has none") {
        source.gshadow.clear();
        source.group[2] = "team:OPEN:1001:anna";
        const auto result = merged(source, here);
        CHECK(of(result.files.group, "team") == "x:1001:anna");
        CHECK(result.files.gshadow == Lines{"adm:!::", "root:!::", "users:!::", "team:OPEN::anna"});
    }
    SECTION("this machine has none") {
        here.gshadow.clear();
        CHECK(merged(source, here).files.gshadow ==
              Lines{"root:!::", "users:!::", "team:SECRET:anna:anna", "adm:!::"});
    }
    SECTION("none has it") {
        source.gshadow.clear();
        here.gshadow.clear();
        CHECK(merged(source, here).files.gshadow.empty());
    }
    SECTION("this machine has no groups, and the source no line of root's") {
        here.group.clear();
        here.gshadow.clear();
        source.gshadow = {"users:!::"};
        CHECK(merged(source, here).files.gshadow == Lines{"root:!::", "users:!::", "team:!::anna"});
    }
    SECTION("all lines of this machine's are those of groups that go or have none at the source") {
        source.gshadow = {"other:*::"};
        here.gshadow = {"team:OLD:dave:dave", "gone:!::"};
        CHECK(merged(source, here).files.gshadow ==
              Lines{"team:!::anna", "root:!::", "users:!::", "adm:!::"});
    }
}

TEST_CASE("a side without shadow has its passwords in passwd", "[accounts]") {
    AccountFiles source = files({"anna:HASH:1000:100::/:/bin/sh", "www:x:33:100::/:/bin/sh"},
                                {"users:x:100:"}, {"anna:A:1::::::"});
    AccountFiles here =
        files({"www:x:33:100::/:/bin/sh", "ntp:x:90:100::/:/bin/sh"}, {"users:x:100:"}, {"ntp:N:1::::::"});
    SECTION("the source has none") {
        source.shadow.clear();
        const auto result = merged(source, here);
        CHECK(of(result.files.passwd, "anna") == "x:1000:100::/:/bin/sh");
        CHECK(of(result.files.shadow, "anna") == "HASH:::::::");
        CHECK(of(result.files.shadow, "www") == "!:::::::");
        CHECK(of(result.files.shadow, "root") == "ROOT:1::::::");
        CHECK(of(result.files.shadow, "ntp") == "N:1::::::");
    }
    SECTION("this machine has none") {
        here.shadow.clear();
        here.passwd[0] = "root:R:0:0::/:/bin/sh";
        const auto result = merged(source, here);
        CHECK(of(result.files.passwd, "root") == "R:0:0::/:/bin/sh");
        CHECK(result.files.shadow == Lines{"anna:A:1::::::"});
        CHECK(of(result.files.passwd, "anna") == "HASH:1000:100::/:/bin/sh");
    }
    SECTION("none has it") {
        source.shadow.clear();
        here.shadow.clear();
        const auto result = merged(source, here);
        CHECK(result.files.shadow.empty());
        CHECK(of(result.files.passwd, "anna") == "HASH:1000:100::/:/bin/sh");
    }
}

TEST_CASE("subordinate ids come with their users, by name or number", "[accounts]") {
    AccountFiles source =
        files({"anna:x:1000:100::/:/bin/sh", "bob:x:1001:100::/:/bin/sh"}, {"users:x:100:"});
    AccountFiles here =
        files({"anna:x:1007:100::/:/bin/sh", "dave:x:1001:100::/:/bin/sh", "incus:x:90:100::/:/bin/sh"},
              {"users:x:100:"});
    source.subuid = {"anna:100000:65536", "1001:165536:65536", "root:900000:10", "fromldap:300000:10"};
    source.subgid = source.subuid;
    here.subuid = {"dave:100000:65536", "anna:500000:65536", "root:1000000:1000", "incus:150000:100000"};
    const auto result = merged(source, here);
    CHECK(of(result.files.passwd, "bob") == "x:1000:100::/:/bin/sh");
    // Both ranges overlap that of incus; the first free place behind it is not where fromldap's is.
    CHECK(result.files.subuid == Lines{"root:1000000:1000", "incus:150000:100000", "anna:300010:65536",
                                       "1000:365546:65536", "fromldap:300000:10"});
    CHECK(result.files.subgid == Lines{"anna:100000:65536", "1000:165536:65536", "fromldap:300000:10"});
    CHECK(
        result.warnings ==
        Lines{"/etc/subuid: the range 100000 of anna overlaps one of this server and begins at 300010 here: "
              "files of its numbers keep them",
              "/etc/subuid: the range 165536 of 1000 overlaps one of this server and begins at 365546 here: "
              "files of its numbers keep them"});
}

TEST_CASE("a user whose first group the source does not have gets one, not another's number", "[accounts]") {
    const auto result = merged(files({"anna:x:1000:104::/:/bin/sh", "bob:x:1001:1001::/:/bin/sh"}),
                               files({}, {"docker:x:104:"}));
    CHECK(of(result.files.passwd, "anna") == "x:1000:999::/:/bin/sh");
    CHECK(of(result.files.group, "anna") == "x:999:");
    CHECK(of(result.files.group, "bob") == "x:1001:");
    CHECK(of(result.files.group, "docker") == "x:104:");
    CHECK(result.warnings.size() == 2);
}

TEST_CASE("a user whose first group has root's number here gets one, and keeps it", "[accounts]") {
    const auto result = merged(files({"anna:x:1000:1000::/:/bin/sh"}, {"team:x:1000:"}),
                               files({}, {"team:x:0:", "other:x:2000:"}));
    CHECK(of(result.files.passwd, "anna") == "x:1000:1000::/:/bin/sh");
    CHECK(of(result.files.group, "anna") == "x:1000:");
    CHECK(of(result.files.group, "team") == "x:0:");
}

TEST_CASE("two names of one number stay so", "[accounts]") {
    const auto result = merged(files({"anna:x:1000:100::/:/bin/sh", "ann:x:1000:100::/:/bin/sh",
                                      "one:x:1001:100::/:/bin/sh", "two:x:1001:100::/:/bin/sh"},
                                     {"users:x:100:", "alias:x:100:"}),
                               files({"anna:x:1001:100::/:/bin/sh"}, {"users:x:100:"}));
    CHECK(of(result.files.passwd, "ann") == "x:1001:100::/:/bin/sh");
    CHECK(of(result.files.passwd, "one") == "x:1000:100::/:/bin/sh");
    CHECK(of(result.files.passwd, "two") == "x:1000:100::/:/bin/sh");
    CHECK(of(result.files.group, "alias") == "x:100:");
}

TEST_CASE("a line that is none is a finding at the source, and stays at the end here", "[accounts]") {
    const std::string line = GENERATE("+::::::", "-bob::::::", "anna", "anna:x:1000:1000:/:/bin/sh",
                                      "anna:x::1::/:", "anna:x:-1:1::/:", "anna:x:4294967295:1::/:",
                                      ":x:1000:1000::/:", "anna:x:1000:1000::/:/bin/sh:");
    AccountFiles odd = files();
    odd.passwd = {line, kRootUser, "# a comment", ""};
    const auto from_source = system::merge(odd, files());
    CHECK(from_source.findings == Lines{"/etc/passwd, line 1: is not as the lines of this file are"});
    CHECK(system::account_faults(odd) == from_source.findings);
    CHECK(from_source.files == files());
    const auto result = merged(files({"bob:x:1000:0::/:/bin/sh"}), odd);
    CHECK(result.findings.empty());
    CHECK(result.files.passwd == Lines{kRootUser, "bob:x:1000:0::/:/bin/sh", line, "# a comment", ""});
}

TEST_CASE("each account file is looked at", "[accounts]") {
    AccountFiles odd = files();
    for (Lines* lines : {&odd.passwd, &odd.shadow, &odd.group, &odd.gshadow, &odd.subuid, &odd.subgid}) {
        *lines = {"", "odd"};
    }
    odd.subuid.push_back("a:4294967295:1");
    odd.subgid.push_back("a:4294967290:10");
    CHECK(system::account_faults(odd).size() == 8);
}

TEST_CASE("of two lines with one name the first counts", "[accounts]") {
    const auto result =
        merged(files({"bob:x:1000:0::/first:/bin/sh", "bob:x:1001:0::/second:/bin/sh"}), files());
    CHECK(of(result.files.passwd, "bob") == "x:1000:0::/first:/bin/sh");
    CHECK(result.files.passwd.size() == 2);
    CHECK(result.warnings == Lines{"/etc/passwd, line 3: an earlier line has the name bob: left out"});
}

TEST_CASE("when no number is free, that is found before anything is changed", "[accounts]") {
    AccountFiles here = files();
    for (int id = 1; id < 1000; ++id) here.passwd.push_back(fmt::format("s{}:x:{}:0::/:/bin/false", id, id));
    const auto result = system::merge(files({"app:x:500:0::/:/bin/false"}), here);
    CHECK(result.findings == Lines{"user app: its number 500 is taken on this server, and none is free"});
}

TEST_CASE("account files are read as lines, and missing ones are empty", "[accounts]") {
    test::MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_directory("etc");
    os::write_whole(*root, "etc/passwd", kRootUser + "\n\n# x\nlast");
    const AccountFiles read = system::read_accounts(*root);
    CHECK(read.passwd == Lines{kRootUser, "", "# x", "last"});
    CHECK(read.shadow.empty());
}

TEST_CASE("names become the merged numbers, those of removed accounts none, others are asked", "[accounts]") {
    const AccountFiles here = files({"dave:x:1000:0::/:/bin/sh"}, {"dave:x:1000:"});
    const auto result = merged(files({"anna:x:1000:0::/:/bin/sh"}, {"team:x:70:"}), here);
    auto others = std::make_unique<test::TableAccounts>();
    others->users = {{"dave", 1000}, {"fromldap", 7000}, {"anna", 4}};
    others->groups = {{"dave", 1000}, {"far", 7001}};
    const auto accounts = system::accounts_after(result, here, std::move(others));
    CHECK(accounts->user_id("anna") == 1001u);
    CHECK_FALSE(accounts->user_id("dave"));
    CHECK(accounts->user_id("fromldap") == 7000u);
    CHECK(accounts->group_id("team") == 70u);
    CHECK_FALSE(accounts->group_id("dave"));
    CHECK(accounts->group_id("far") == 7001u);
    CHECK(accounts->user_name(1001) == "anna");
    CHECK_FALSE(accounts->user_name(1000));
    CHECK(accounts->user_name(7000) == "fromldap");
    CHECK(accounts->group_name(70) == "team");
}

namespace {

/// Small account files at random: few names and numbers, so that they meet.
class Random {
public:
    explicit Random(unsigned seed) : engine_{seed} {}

    AccountFiles machine() {
        AccountFiles result;
        const bool shadow = chance(4);
        const bool gshadow = chance(2);
        result.passwd = {kRootUser};
        result.group = {kRootGroup};
        if (shadow) result.shadow = {"root:" + word() + ":1::::::"};
        std::set<std::string> users{"root"};
        std::set<std::string> groups{"root"};
        std::vector<unsigned> gids{0};
        for (unsigned i = number(8); i > 0; --i) {
            const std::string name = "g" + std::to_string(number(9));
            if (!groups.insert(name).second) continue;
            gids.push_back(id());
            std::string members;
            for (unsigned m = number(4); m > 0; --m)
                members += (members.empty() ? "u" : ",u") + std::to_string(number(9));
            result.group.push_back(fmt::format("{}:x:{}:{}", name, gids.back(), members));
            if (gshadow) result.gshadow.push_back(fmt::format("{}:{}::{}", name, word(), members));
        }
        for (unsigned i = number(8); i > 0; --i) {
            const std::string name = "u" + std::to_string(number(9));
            if (!users.insert(name).second) continue;
            const unsigned uid = chance(12) ? id() : 0;
            result.passwd.push_back(
                fmt::format("{}:x:{}:{}:{}:/:/bin/sh", name, uid, gids[number(gids.size())], word()));
            if (shadow) result.shadow.push_back(fmt::format("{}:{}:1::::::", name, word()));
            if (chance(1)) {
                const unsigned start = 100000 + 1000 * number(10);
                result.subuid.push_back(
                    fmt::format("{}:{}:{}", chance(1) ? name : std::to_string(uid), start, 1500));
            }
        }
        return result;
    }

private:
    unsigned number(std::size_t below) { return static_cast<unsigned>(engine_() % below); }
    bool chance(unsigned of_one_more) { return number(of_one_more + 1) != 0; }
    unsigned id() {
        constexpr unsigned kIds[] = {1, 33, 998, 999, 1000, 1001, 1002, 65533, 65534, 70000};
        return kIds[number(std::size(kIds))];
    }
    std::string word() { return "w" + std::to_string(number(1000)); }

    std::mt19937 engine_;
};

std::map<std::string, Lines> by_name(const Lines& lines) {
    std::map<std::string, Lines> result;
    for (const std::string& line : lines) {
        REQUIRE(result.emplace(fields(line)[0], fields(line)).second);
    }
    return result;
}

using Pairs = std::set<std::pair<std::string, std::string>>;

Pairs sharing(const std::map<std::string, Lines>& accounts) {
    Pairs pairs;
    for (const auto& [a, of_a] : accounts) {
        for (const auto& [b, of_b] : accounts) {
            if (of_a[2] == of_b[2]) pairs.emplace(a, b);
        }
    }
    return pairs;
}

/// Those of `now` that shared a number on neither side before, not even through others.
Pairs new_pairs(const Lines& now, const Lines& source, const Lines& here) {
    Pairs before = sharing(by_name(source));
    before.merge(sharing(by_name(here)));
    for (bool grown = true; grown;) {
        Pairs through;
        for (const auto& [a, b] : before) {
            for (const auto& [c, d] : before) {
                if (b == c && !before.contains({a, d})) through.emplace(a, d);
            }
        }
        grown = !through.empty();
        before.merge(through);
    }
    Pairs pairs = sharing(by_name(now));
    std::erase_if(pairs, [&](const auto& pair) { return before.contains(pair); });
    return pairs;
}

bool is_regular(const std::string& id) { return std::stoul(id) >= 1000 && std::stoul(id) < 65534; }

}  // namespace

TEST_CASE("whatever two machines have, the result holds together", "[accounts]") {
    Random random{17};
    for (int round = 0; round < 1000; ++round) {
        const AccountFiles source = random.machine();
        const AccountFiles here = random.machine();
        std::string shown = fmt::format("round {}", round);
        for (const auto* side : {&source, &here}) {
            shown += side == &source ? "\nsource" : "\nhere";
            for (const auto* lines : {&side->passwd, &side->group, &side->subuid}) {
                for (const std::string& line : *lines) shown += "\n  " + line;
            }
        }
        INFO(shown);
        const MergedAccounts result = system::merge(source, here);
        REQUIRE(result.findings.empty());
        REQUIRE(system::account_faults(result.files).empty());
        REQUIRE(system::merge(source, result.files).files == result.files);

        const auto users = by_name(result.files.passwd);
        const auto groups = by_name(result.files.group);
        const auto theirs = by_name(source.passwd);
        const auto ours = by_name(here.passwd);
        by_name(result.files.shadow);
        // Only who shared a number before does.
        REQUIRE(new_pairs(result.files.passwd, source.passwd, here.passwd).empty());
        REQUIRE(new_pairs(result.files.group, source.group, here.group).empty());
        std::set<std::string> gids;
        for (const auto& [name, line] : groups) gids.insert(line[2]);
        for (const auto& [name, line] : users) {
            REQUIRE(gids.contains(line[3]));
            if (ours.contains(name)) {
                REQUIRE(line[2] == ours.at(name)[2]);
            } else {
                REQUIRE(line[2] != "0");
            }
        }
        for (const auto& [name, line] : theirs) REQUIRE((users.contains(name) || line[2] == "0"));
        for (const auto& [name, line] : ours) {
            REQUIRE((users.contains(name) ||
                     (is_regular(line[2]) && (!theirs.contains(name) || theirs.at(name)[2] == "0"))));
        }
        for (const auto& [name, line] : groups) {
            std::stringstream members{line[3]};
            for (std::string member; std::getline(members, member, ',');) {
                REQUIRE((users.contains(member) || !theirs.contains(member) || !ours.contains(member)));
            }
        }
        if (!result.files.gshadow.empty()) {
            for (const auto& [name, line] : by_name(result.files.gshadow))
                REQUIRE(line[3] == groups.at(name)[3]);
        }
        REQUIRE(users.at("root") == ours.at("root"));
        for (const std::string& line : here.shadow) {
            if (line.starts_with("root:")) REQUIRE(of(result.files.shadow, "root") == line.substr(5));
        }
    }
}
