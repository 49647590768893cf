#include "ft/system/description.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "ft/base/error.h"
#include "support/memory_machine.h"

using namespace ft;
using Lines = std::vector<std::string>;

namespace {

system::Description parse(const std::string& text) {
    return system::parse_description(text, "system.json", "/");
}

Lines findings(const std::string& text) {
    try {
        parse(text);
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::usage);
        CHECK_FALSE(error.details().empty());
        return error.details();
    }
    return {};
}

/// Findings of a system with one tree, whose members stand in line 2.
Lines tree_findings(const std::string& members) { return findings("{\"trees\": [\n{" + members + "}\n]}"); }
Lines database_findings(const std::string& members) {
    return findings("{\"databases\": [\n{" + members + "}\n]}");
}

}  // namespace

TEST_CASE("a description is read with its comments and defaults", "[system]") {
    const auto system = parse(R"(// What this server is.
{
    "databases": [{"name": "appliance", "connection": "host=/run/postgresql port = '5433'", "os_user": "postgres"},
                  {"name": "Übung"}],
    /* trees */
    "trees": [{"name": "data", "path": "//data/./", "exclude": ["*.pid", "/cache/"]},
              {"name": "root.1", "path": "/srv"}]
})");
    CHECK(system.name == "system");
    CHECK(system.state_dir == "/var/lib/ft");
    REQUIRE(system.databases.size() == 2);
    CHECK(system.databases[0].name == "appliance");
    CHECK(system.databases[0].connection ==
          std::map<std::string, std::string>{{"host", "/run/postgresql"}, {"port", "5433"}});
    CHECK(system.databases[0].os_user == "postgres");
    CHECK(system.databases[1].name == "Übung");
    CHECK(system.databases[1].connection.empty());
    CHECK(system.databases[1].os_user.empty());
    REQUIRE(system.trees.size() == 2);
    CHECK(system.trees[0].path == "/data");
    CHECK(system.trees[0].exclude == Lines{"*.pid", "/cache/"});
    CHECK(system.trees[1].name == "root.1");
    CHECK(parse(R"({"name": "x y", "state_dir": "/s/", "trees": [{"name": "a", "path": "/"}]})").name ==
          "x y");
    CHECK(parse(R"({"state_dir": "/s//t/", "trees": [{"name": "a", "path": "/"}]})").state_dir == "/s/t");
}

TEST_CASE("all mistakes are found at once, by line, each with its key", "[system]") {
    const std::string text = R"({
  "name": 7,
  "serves": [],
  "databases": [
    {"name": "a", "conection": "x"},
    {"name": "a"}
  ],
  "trees": [
    {"name": "one", "path": "data"},
    {"name": "one",
     "path": "/srv/x",
     "exclude": ["ok", "", 5]},
    {"path": "/srv/../x"},
    "tree"
  ],
  "state_dir": null
})";
    CHECK(findings(text) ==
          Lines{"line 2: name: must be a string, is a number",
                "line 3: serves: unknown key, known here: name, state_dir, databases, trees, services, keep, "
                "accounts, "
                "public_hostname, hooks",
                "line 5: databases[0].conection: unknown key, known here: name, connection, os_user",
                "line 6: databases[1].name: \"a\" is the name of databases[0] already",
                "line 9: trees[0].path: must be an absolute path, is \"data\"",
                "line 10: trees[1].name: \"one\" is the name of trees[0] already",
                "line 12: trees[1].exclude[1]: pattern \"\": it is empty",
                "line 12: trees[1].exclude[2]: must be a string, is a number",
                "line 13: trees[2].name: is missing",
                "line 13: trees[2].path: must not hold \"..\" or names above 255 bytes, is \"/srv/../x\"",
                "line 14: trees[3]: must be an object, is a string",
                "line 16: state_dir: must be a string, is null"});
    try {
        parse(text);
    } catch (const base::Error& error) {
        CHECK(std::string{error.what()} == "system.json: 12 mistakes");
    }
}

TEST_CASE("services, what is kept, the public name and hooks are read", "[system]") {
    const auto system = parse(R"({
    "databases": [{"name": "app"}],
    "services": [{"unit": "app.service", "timeout": 5},
                 {"name": "mail", "stop": ["s", ""], "start": ["t"], "active": ["a"], "rehearsal": "off"}],
    "trees": [{"name": "data", "path": "/data", "mount_point": true, "must_exist": ["a/b"],
               "mounts": ["m", "m/n"]}],
    "keep": {"files": ["/etc//app/own"], "rows": [{"table": "settings", "key": "name", "values": ["mail", ""]}]},
    "accounts": true,
    "public_hostname": {"sql": "SELECT 1"},
    "hooks": {"before_commit": [["one", "x y"], ["two"]]}
})");
    REQUIRE(system.services.size() == 2);
    CHECK(system.services[0].name == "app.service");
    CHECK(system.services[0].timeout == std::chrono::seconds{5});
    CHECK_FALSE(system.services[0].off_in_rehearsal);
    CHECK(system.services[1].stop == Lines{"s", ""});
    CHECK(system.services[1].active == Lines{"a"});
    CHECK(system.services[1].timeout == std::chrono::seconds{90});
    CHECK(system.services[1].off_in_rehearsal);
    CHECK(system.trees[0].mount_point);
    CHECK(system.trees[0].must_exist == Lines{"a/b"});
    CHECK(system.trees[0].mounts == std::vector{base::RelPath{"m"}, base::RelPath{"m/n"}});
    CHECK(system.keep_files == Lines{"/etc/app/own"});
    CHECK(system.keep_rows == std::vector<system::KeptRows>{{"app", "settings", "name", {"mail", ""}}});
    CHECK(system.accounts);
    REQUIRE(system.public_hostname);
    CHECK(system.public_hostname->sql == "SELECT 1");
    CHECK(system.public_hostname->database == "app");
    CHECK(system.hooks.before_commit == std::vector<Lines>{{"one", "x y"}, {"two"}});
    CHECK(system.hooks.after_commit.empty());
    CHECK(parse(R"({"trees": [{"name": "a", "path": "/a"}], "public_hostname": "a.example"})")
              .public_hostname->literal == "a.example");
    CHECK(parse(R"({"trees": [{"name": "a", "path": "/a"}],
                    "public_hostname": {"file": "/f", "pattern": "^host=(.*)$"}})")
              .public_hostname->pattern == "^host=(.*)$");
}

TEST_CASE("what is wrong with services, keep, the public name and hooks is told by its key", "[system]") {
    const auto one = [](const std::string& member) {
        const Lines lines = findings("{\"trees\": [{\"name\": \"a\", \"path\": \"/a\"}],\n" + member + "}");
        return lines.empty() ? "" : lines.front();
    };
    CHECK(one(R"("services": [{"unit": "x", "stop": ["a"]}])") ==
          "line 2: services[0].stop: does not go with \"unit\"");
    CHECK(one(R"("services": [{"name": "x", "stop": "a b", "start": ["s"], "active": ["a"]}])") ==
          "line 2: services[0].stop: must be a program and its arguments: an array of strings");
    CHECK(one(R"("services": [{"name": "x", "stop": ["a"], "start": [""], "active": ["a"]}])") ==
          "line 2: services[0].start[0]: must not be empty");
    CHECK(one(R"("services": [{"name": "x", "stop": ["a"], "start": ["b"]}])") ==
          "line 2: services[0].active: is missing");
    CHECK(one(R"("services": [{"unit": "x"}, {"unit": "x"}])") ==
          "line 2: services[1]: \"x\" is the name of another service already");
    CHECK(one(R"("services": [{"unit": "-x"}])") == "line 2: services[0].unit: must not begin with \"-\"");
    CHECK(one(R"("services": [{"unit": "x", "timeout": 0}])") ==
          "line 2: services[0].timeout: must be a whole number of seconds from 1 to 86400");
    CHECK(one(R"("services": [{"unit": "x", "timeout": 18446744073709551615}])") != "");
    CHECK(one(R"("services": [{"unit": "x", "rehearsal": "maybe"}])") ==
          "line 2: services[0].rehearsal: must be \"on\" or \"off\"");
    CHECK(one(R"("keep": {"files": ["etc/x"]})") ==
          "line 2: keep.files[0]: must be an absolute path, is \"etc/x\"");
    CHECK(one(R"("keep": {"files": ["/"]})") == "line 2: keep.files[0]: must not be \"/\"");
    CHECK(one(R"("keep": {"rows": [{"database": "b", "table": "t", "key": "k", "values": ["v"]}]})") ==
          "line 2: keep.rows[0].database: is not the name of one of the databases");
    CHECK(one(R"("keep": {"rows": [{"table": "t", "key": "k", "values": []}]})") ==
          "line 2: keep.rows[0].database: is missing");
    CHECK(one(R"("accounts": "yes")") == "line 2: accounts: must be true or false");
    CHECK(one(R"("public_hostname": "no host")") ==
          "line 2: public_hostname: must be a host name: labels of letters, digits and '-', joined by '.'");
    CHECK(one(R"("public_hostname": "10.0.0.1")") ==
          "line 2: public_hostname: must be a host name, not a number or an address");
    CHECK(one(R"("public_hostname": {})") == "line 2: public_hostname: needs \"sql\" or \"file\"");
    CHECK(one(R"("public_hostname": {"file": "/f"})") ==
          "line 2: public_hostname: needs \"pointer\" or \"pattern\": where in the file it stands");
    CHECK(one(R"("public_hostname": {"file": "/f", "pattern": "x("})") ==
          "line 2: public_hostname.pattern: must be a regular expression");
    CHECK(one(R"("public_hostname": {"file": "/f", "pattern": "x"})") ==
          "line 2: public_hostname.pattern: needs a group ( ) around the name");
    CHECK(one(R"("public_hostname": {"file": "/f", "pointer": "x"})") ==
          "line 2: public_hostname.pointer: must be a JSON pointer, like \"/server/name\"");
    CHECK(one(R"("hooks": {"before_commit": ["true"]})") ==
          "line 2: hooks.before_commit[0]: must be a program and its arguments: an array of strings");
    CHECK(one(R"("hooks": {"at_night": []})") != "");
    CHECK(tree_findings(R"("name": "a", "path": "/a", "must_exist": ["../x"])").size() == 1);
    CHECK(tree_findings(R"("name": "a", "path": "/a", "mount_point": 1)").size() == 1);
    CHECK(tree_findings(R"("name": "a", "path": "/a", "mounts": ["/x"])").size() == 1);
    CHECK(tree_findings(R"("name": "a", "path": "/a", "mounts": ["x", "x"])").size() == 1);
    CHECK(tree_findings(R"("name": "a", "path": "/a", "mounts": ["."])").size() == 1);
    CHECK(tree_findings(R"("name": "a", "path": "/a", "mounts": [""])").size() == 1);
    CHECK(tree_findings(R"("name": "a", "path": "/a", "mounts": "x")").size() == 1);
}

TEST_CASE("bad syntax is told by line and column", "[system]") {
    CHECK(
        findings("{\n  \"name\": \"x\",\n  trees: []\n}") ==
        Lines{
            "line 3: column 5: invalid literal; last read: '\"x\",<U+000A>  tre'; expected string literal"});
    CHECK(findings("") ==
          Lines{"line 1: column 1: unexpected end of input; expected '[', '{', or a literal"});
    CHECK(findings("{\"a\": 1").at(0).starts_with("line 1: column 8: unexpected end of input"));
    CHECK(findings("{} x").at(0).starts_with("line 1: column 4: "));
    CHECK(findings("{\"name\": \"\xff\"}")
              .at(0)
              .starts_with("line 1: column 11: invalid string: ill-formed UTF-8"));
    CHECK(findings("{\n\n/* no end").at(0).starts_with("line 3: "));
    CHECK(findings("{\"a\": 1e999}").size() == 1);
}

TEST_CASE("a key that is written twice is found where it is written again", "[system]") {
    CHECK(
        findings("{\"trees\": [{\"name\": \"a\",\n\"path\": \"/a\",\n\"path\": \"/b\"}],\n\"trees\": []}") ==
        Lines{"line 3: trees[0].path: is written twice", "line 4: trees: is written twice"});
}

TEST_CASE("what nests without end is not followed", "[system]") {
    CHECK(findings("{\"trees\":\n" + std::string(100'000, '[')) ==
          Lines{"line 2: nested in more than 64 levels"});
}

TEST_CASE("a number at the end of a line belongs to that line", "[system]") {
    CHECK(findings("{\"trees\": [\n1\n,\n{\"name\": 2\n}\n]}") ==
          Lines{"line 2: trees[0]: must be an object, is a number",
                "line 4: trees[1].name: must be a string, is a number", "line 4: trees[1].path: is missing"});
}

TEST_CASE("a system that is no object or names nothing is refused", "[system]") {
    CHECK(findings("[]") == Lines{"line 1: must be an object, is an array"});
    CHECK(findings("\n{}") == Lines{"line 2: names neither a database nor a tree"});
    CHECK(findings("{\"trees\": {}}") == Lines{"line 1: trees: must be an array, is an object"});
    CHECK(findings("{\"trees\": [], \"databases\": \"x\"}").at(0) ==
          "line 1: databases: must be an array, is a string");
    CHECK(findings("{\"name\": \"\", \"trees\": [{\"name\": \"a\", \"path\": \"/a\"}]}") ==
          Lines{"line 1: name: must not be empty"});
}

TEST_CASE("a tree's name is fit for the wire", "[system]") {
    const auto name = [](const std::string& text) {
        return tree_findings("\"path\": \"/a\", \"name\": \"" + text + '"');
    };
    CHECK(name("A-z_0.9").empty());
    CHECK(name(std::string(64, 'a')).empty());
    const std::string letters =
        "line 2: trees[0].name: must be 1 to 64 of the letters A-Z a-z, digits, '.', '_' and '-', is ";
    CHECK(name("a b") == Lines{letters + "\"a b\""});
    CHECK(name("a/b") == Lines{letters + "\"a/b\""});
    CHECK(name("ä") == Lines{letters + "\"ä\""});
    CHECK(name(std::string(65, 'a')) == Lines{letters + '"' + std::string(65, 'a') + '"'});
    CHECK(name("-a") == Lines{"line 2: trees[0].name: must not begin with '-' or '.', is \"-a\""});
    CHECK(name(".a") == Lines{"line 2: trees[0].name: must not begin with '-' or '.', is \".a\""});
    CHECK(name("ft-backup") ==
          Lines{"line 2: trees[0].name: is the name of the backup, a tree needs another, is \"ft-backup\""});
    CHECK(name("a\\n") == Lines{"line 2: trees[0].name: must not hold control characters, is \"a\\x0a\""});
    CHECK(name("") == Lines{"line 2: trees[0].name: must not be empty"});
}

TEST_CASE("a tree's path is absolute and no host setting", "[system]") {
    const auto path = [](const std::string& text) {
        return tree_findings("\"name\": \"t\", \"path\": \"" + text + '"');
    };
    CHECK(path("/").empty());
    CHECK(path("/etc").empty());
    CHECK(path("") == Lines{"line 2: trees[0].path: must not be empty"});
    CHECK(path("./x") == Lines{"line 2: trees[0].path: must be an absolute path, is \"./x\""});
    CHECK(path("/a/..").size() == 1);
    CHECK(path('/' + std::string(256, 'a')).size() == 1);
    CHECK(path("/a\\u0000b") ==
          Lines{"line 2: trees[0].path: must not hold control characters, is \"/a\\x00b\""});
    CHECK(path("/etc/netplan/") ==
          Lines{"line 2: trees[0].path: \"/etc/netplan\" is a host setting, which stays this machine's own"});
    CHECK(path("/etc/ssh/ssh_host_keys/x").size() == 1);
    CHECK(path("/var/lib/ft/x") ==
          Lines{"line 2: trees[0].path: \"/var/lib/ft/x\" lies in state_dir \"/var/lib/ft\""});
    CHECK(path("/var/lib/ft").size() == 1);
    CHECK(path("/var/lib/ftx").empty());
    CHECK(path("/var").empty());
}

TEST_CASE("trees inside each other need an exclude", "[system]") {
    const auto two = [](const std::string& outer, const std::string& inner) {
        return findings("{\"trees\": [\n{\"name\": \"in\", \"path\": \"/data/sub/in\"" + inner +
                        "},\n{\"name\": \"out\", \"path\": \"/data\"" + outer + "}]}");
    };
    const std::string finding =
        "line 2: trees[0].path: \"/data/sub/in\" lies in tree \"out\" (\"/data\"), which does not exclude "
        "it: add "
        "\"/sub/in\" to its exclude";
    CHECK(two("", "") == Lines{finding});
    CHECK(two("", ", \"exclude\": [\"in\"]") == Lines{finding});
    CHECK(two(", \"exclude\": [\"/in\"]", "") == Lines{finding});
    CHECK(two(", \"exclude\": [\"/sub/in\"]", "").empty());
    CHECK(two(", \"exclude\": [\"sub/\"]", "").empty());
    CHECK(findings(
              "{\"trees\": [{\"name\": \"a\", \"path\": \"/x\"},\n{\"name\": \"b\", \"path\": \"/x/\"}]}") ==
          Lines{"line 2: trees[1].path: \"/x\" is the path of tree \"a\" already"});
    CHECK(findings("{\"trees\": [{\"name\": \"a\", \"path\": \"/\"},\n{\"name\": \"b\", \"path\": \"/x\"}]}")
              .size() == 1);
    CHECK(
        findings("{\"trees\": [{\"name\": \"a\", \"path\": \"/x\"},\n{\"name\": \"b\", \"path\": \"/xy\"}]}")
            .empty());
}

TEST_CASE("state_dir is an absolute directory that may lie in a tree", "[system]") {
    const auto state = [](const std::string& text) {
        return findings("{\"state_dir\": " + text +
                        ",\n\"trees\": [{\"name\": \"a\", \"path\": \"/data\"}]}");
    };
    CHECK(state("\"/data/ft\"").empty());
    CHECK(state("\"ft\"") == Lines{"line 1: state_dir: must be an absolute path, is \"ft\""});
    CHECK(state("\"/\"").at(0) == "line 1: state_dir: must not be \"/\"");
    CHECK(state("\"\"") == Lines{"line 1: state_dir: must not be empty"});
    CHECK(state("[]") == Lines{"line 1: state_dir: must be a string, is an array"});
}

TEST_CASE("a database's name leaves room for ours", "[system]") {
    const auto name = [](const std::string& text) { return database_findings("\"name\": \"" + text + '"'); };
    CHECK(name(std::string(50, 'a')).empty());
    CHECK(name("with \\\"quotes\\\" and \\\\").empty());
    CHECK(name(std::string(51, 'a'))
              .at(0)
              .starts_with("line 2: databases[0].name: must have at most 50 bytes: \"_ft_incoming\" has to "
                           "fit behind it, is"));
    CHECK(name("") == Lines{"line 2: databases[0].name: must not be empty"});
    CHECK(name("a_ft_previous") ==
          Lines{"line 2: databases[0].name: must not end as the databases that ft makes, is "
                "\"a_ft_previous\""});
    CHECK(name("a\\u0000") ==
          Lines{"line 2: databases[0].name: must not hold control characters, is \"a\\x00\""});
    CHECK(database_findings("") == Lines{"line 2: databases[0].name: is missing"});
}

TEST_CASE("a connection is checked without a server", "[system]") {
    const auto connection = [](const std::string& text) {
        return database_findings("\"name\": \"a\", \"connection\": \"" + text + '"');
    };
    const std::string at = "line 2: databases[0].connection: ";
    CHECK(connection("").empty());
    CHECK(connection("host=h dbname=x") == Lines{at + "must not hold dbname: that is \"name\""});
    CHECK(connection("prot=5") == Lines{at + "\"prot\" is no keyword of a connection"});
    CHECK(connection("host=a port=1 host=b") == Lines{at + "holds host twice"});
    CHECK(connection("host") == Lines{at + "\"host\" has no '=' behind it"});
    CHECK(connection("host 5") == Lines{at + "\"host\" has no '=' behind it"});
    CHECK(connection("host='x") == Lines{at + "has a value without its closing quote"});
    CHECK(connection("postgresql://h/x") ==
          Lines{at + "must be keywords and values (\"host=... port=...\"), not a URI"});
    CHECK(connection("host=\\u0001").at(0).find("must not hold control characters") != std::string::npos);
    CHECK(connection("=x") == Lines{at + "\"\" is no keyword of a connection"});
    CHECK(database_findings("\"name\": \"a\", \"connection\": {}") ==
          Lines{at + "must be a string, is an object"});
    CHECK(database_findings("\"name\": \"a\", \"os_user\": \"a:b\"") ==
          Lines{"line 2: databases[0].os_user: must be the name of a system user, is \"a:b\""});

    const auto values = parse(R"x({"databases": [{"name": "a",
        "connection": " user = 'o\\'brien \\\\' password=a\\ b options='' host= h "}]})x")
                            .databases[0]
                            .connection;
    CHECK(values == std::map<std::string, std::string>{
                        {"user", "o'brien \\"}, {"password", "a b"}, {"options", ""}, {"host", "h"}});
}

TEST_CASE("paths lie below the root", "[system]") {
    const auto at = [](const std::string& root) {
        return system::parse_description(R"({"trees": [{"name": "a", "path": "/a"}]})", "x", root);
    };
    CHECK(at("/").below_root("/data") == "/data");
    CHECK(at("/").below_root("/") == "/");
    CHECK(at("/srv/t/").below_root("/data") == "/srv/t/data");
    CHECK(at("/srv/t").below_root("/") == "/srv/t");
    CHECK(at("//srv").trees[0].path == "/a");
    CHECK_THROWS_AS(at("srv"), base::Error);
}

TEST_CASE("a socket directory is looked for below the root first", "[system]") {
    test::MemoryDisk disk;
    os::make_directories(*disk.open("/"), "host/run/postgresql");
    test::MemoryMachine machine{disk};
    auto system = parse(R"({"databases": [{"name": "a", "connection": "host=/run/postgresql port=5"},
                                          {"name": "b", "connection": "host=/tmp"},
                                          {"name": "c", "connection": "host=db.example"}, {"name": "d"}]})");
    using Map = std::map<std::string, std::string>;
    const auto connection = [&](std::size_t i) {
        return system.connection(machine, system.databases[i], "x");
    };
    CHECK(connection(0) == Map{{"host", "/run/postgresql"}, {"port", "5"}, {"dbname", "x"}});
    system.root = "/host";
    CHECK(connection(0) == Map{{"host", "/host/run/postgresql"}, {"port", "5"}, {"dbname", "x"}});
    CHECK(connection(1) == Map{{"host", "/tmp"}, {"dbname", "x"}});
    CHECK(connection(2) == Map{{"host", "db.example"}, {"dbname", "x"}});
    CHECK(connection(3) == Map{{"dbname", "x"}});
}

TEST_CASE("the file is read from where the admin says", "[system]") {
    test::MemoryDisk disk;
    const auto root = disk.open("/");
    const auto etc = os::make_directories(*root, "etc/ft");
    os::write_whole(*etc, "system.json", R"({"trees": [{"name": "a", "path": "/a"}]})");
    os::write_whole(*etc, "bad.json", "{\n");
    test::MemoryMachine machine{disk};
    CHECK(system::load(machine, "/etc/ft/system.json", "/").trees.size() == 1);
    CHECK(system::load(machine, "/etc/ft/system.json", "/host").root == "/host");
    const auto complaint = [&](const std::string& file) {
        try {
            system::load(machine, file, "/");
        } catch (const base::Error& error) {
            CHECK(error.kind() == base::ErrorKind::usage);
            return std::string{error.what()};
        }
        return std::string{};
    };
    CHECK(complaint("/etc/ft/bad.json") == "/etc/ft/bad.json: 1 mistake");
    CHECK(complaint("/etc/ft/none.json").find("none.json") != std::string::npos);
    CHECK(complaint("/none/none.json").find("/none") != std::string::npos);
    CHECK(complaint("system.json") == "system file \"system.json\": must be an absolute path without \"..\"");
}

TEST_CASE("hooks need a variable for each tree and database", "[system]") {
    const auto found = [](const std::string& trees, const std::string& databases, const std::string& hooks) {
        return findings("{\"trees\": [" + trees + "],\n\"databases\": [" + databases + "],\n\"hooks\": {" +
                        hooks + "}}");
    };
    const std::string hook = R"("after_commit": [["x"]])";
    const std::string trees = R"({"name": "a-b", "path": "/1"}, {"name": "A.b", "path": "/2"})";
    const std::string databases = R"({"name": "x y"}, {"name": "x_y"}, {"name": "a-b"})";
    CHECK(found(trees, databases, "").empty());
    CHECK(
        found(trees, databases, hook) ==
        Lines{"line 1: trees[1].name: \"a-b\" and \"A.b\" would be the same variable for hooks, FT_TREE_A_B",
              "line 2: databases[1].name: \"x y\" and \"x_y\" would be the same variable for hooks, "
              "FT_DATABASE_X_Y"});
}

TEST_CASE("the seeds of the description's fuzz target are whole descriptions", "[system]") {
    int seeds = 0;
    for (const auto& seed :
         std::filesystem::directory_iterator{std::string{FT_TEST_DATA} + "/../fuzz/seeds/description"}) {
        INFO(seed.path());
        std::ifstream file{seed.path()};
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        CHECK_NOTHROW(system::parse_description(text, "system.json", "/"));
        ++seeds;
    }
    CHECK(seeds > 0);
}
