#include "ft/system/manifest.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "ft/base/error.h"

using namespace ft;
using nlohmann::json;

namespace {

system::Manifest full() {
    system::Role role{.name = "app \"x\"",
                      .rights = {{"login", true}, {"superuser", false}},
                      .connection_limit = 5,
                      .password = "SCRAM-SHA-256$4096:a",
                      .valid_until = "infinity",
                      .member_of = {"readers"},
                      .settings = {{"search_path", "a, b"}}};
    system::DatabaseFacts facts;
    facts.name = "appliance";
    facts.module_directory = "0";
    facts.server_version = 150020;
    facts.dump_version = 160001;
    facts.owner = "app \"x\"";
    facts.encoding = "UTF8";
    facts.locale_provider = "i";
    facts.collate = "de_DE.utf8";
    facts.ctype = "C";
    facts.icu_locale = "de";
    facts.comment = "a \\ comment\nof \xff bytes";
    facts.connection_limit = 10;
    facts.acl = {"=Tc/app", "app=CTc/app"};
    facts.acl_is_default = false;
    facts.settings = {{"work_mem", "4MB"}, {"work_mem", "8MB"}};
    facts.role_settings = {{"app \"x\"", "work_mem", "1MB"}, {"readers", "a.b", "\xff\n"}};
    facts.extensions = {{"pg_trgm", "1.6"}};
    facts.roles.resize(1);
    facts.roles[0].name = "readers";
    facts.roles.push_back(role);
    facts.row_counts = {{"public.\"T\xfc\"", 9'223'372'036'854'775'807u}, {"public.b", 0}};
    facts.size = 1;
    facts.dump_bytes = 2;
    facts.dump_files = {{"toc.dat", "0123456789abcdef0123456789abcdef"}};
    facts.kept = {{"settings", "name", {{{"id"}, {{"7"}, {""}}}, {{"a \xff", "b"}, {{"1", "x\n"}}}}}};
    system::Manifest manifest;
    manifest.machine = "0123abcd";
    manifest.public_hostname = "files.example.com";
    manifest.accounts = {
        {"root:x:0:0::/root:/bin/sh", "a\xff"}, {"root:*:1::::::"}, {"root:x:0:"}, {}, {}, {""}};
    manifest.ft_version = "0.1.0";
    manifest.system_name = "files.example.com";
    manifest.host_name = "old";
    manifest.live = false;
    manifest.trees = {{"data", {"*.pid", "\xfe"}}, {"etc", {}}};
    manifest.databases = {facts};
    return manifest;
}

/// What the reader says of the full manifest after `path` (a JSON pointer) became `value`.
std::string complaint(const std::string& path, const json& value) {
    json changed = system::to_json(full());
    changed[json::json_pointer{path}] = value;
    try {
        system::manifest_from_json(changed);
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::peer);
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("a manifest survives the way through JSON text", "[system]") {
    const json sent = system::to_json(full());
    const system::Manifest got = system::manifest_from_json(json::parse(sent.dump()));
    CHECK(system::to_json(got) == sent);
    CHECK(got.databases[0].comment == "a \\ comment\nof \xff bytes");
    CHECK(got.databases[0].row_counts == full().databases[0].row_counts);
    CHECK(got.databases[0].settings == full().databases[0].settings);
    CHECK(got.databases[0].role_settings == full().databases[0].role_settings);
    CHECK(got.databases[0].roles[1].rights == full().databases[0].roles[1].rights);
    CHECK(got.databases[0].roles[1].password == "SCRAM-SHA-256$4096:a");
    CHECK_FALSE(got.databases[0].roles[0].password);
    CHECK(got.trees[0].exclude == full().trees[0].exclude);
    CHECK_FALSE(got.live);

    system::Manifest bare;
    bare.ft_version = "1";
    bare.system_name = "s";
    CHECK(system::to_json(system::manifest_from_json(system::to_json(bare))) == system::to_json(bare));
}

TEST_CASE("a manifest of another format is told as that, whatever else it holds", "[system]") {
    try {
        system::manifest_from_json({{"format", system::kFormatVersion + 1}, {"new", true}});
        FAIL("no error");
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::unfit);
        CHECK(std::string{error.what()} == "the source speaks format 3, this ft speaks format 2");
    }
}

TEST_CASE("every key of a manifest must be there, and no other", "[system]") {
    const json sent = system::to_json(full());
    const auto optional = [](const std::string& key) {
        return key == "password" || key == "valid_until" || key == "icu_locale" || key == "comment" ||
               key == "public_hostname" || key == "accounts";
    };
    for (const std::string object : {"", "/trees/0", "/databases/0", "/databases/0/roles/1",
                                     "/databases/0/kept/0", "/databases/0/kept/0/unique/1", "/accounts"}) {
        for (const auto& [key, ignored] : sent[json::json_pointer{object}].items()) {
            INFO(object << '/' << key);
            json changed = sent;
            changed[json::json_pointer{object}].erase(key);
            if (optional(key)) {
                CHECK_NOTHROW(system::manifest_from_json(changed));
            } else {
                CHECK_THROWS_WITH(system::manifest_from_json(changed), Catch::EndsWith(key + ": is missing"));
            }
            // And none is of a type that it must not have.
            CHECK(complaint(object + '/' + key, json::array({nullptr})) != "");
            CHECK(complaint(object + '/' + key, nullptr) != "");
        }
        CHECK_THAT(complaint(object + "/more", 1), Catch::EndsWith("more: is unknown"));
    }
}

TEST_CASE("what is out of range in a manifest is refused by its key", "[system]") {
    CHECK(complaint("/databases/0/server_version", 0) ==
          "manifest: databases[0].server_version: is no number from 1 to 10000000");
    CHECK(complaint("/databases/0/server_version", 18'446'744'073'709'551'615u) != "");
    CHECK(complaint("/databases/0/server_version", 150020.0) != "");
    CHECK(complaint("/databases/0/size", -1) == "manifest: databases[0].size: is no number from 0 to 2^63-1");
    CHECK(complaint("/databases/0/dump_bytes", 9'223'372'036'854'775'808u) != "");
    CHECK(complaint("/trees/1/name", "data") == "manifest: trees[1].name: is there twice: data");
    CHECK(complaint("/trees/1/name", "../x").starts_with("manifest: trees[1].name: must be 1 to 64"));
    CHECK(complaint("/trees/1/name", "ft-backup")
              .starts_with("manifest: trees[1].name: is the name of the backup"));
    CHECK(complaint("/trees/0/exclude/0", "a//b") ==
          "manifest: trees[0].exclude: pattern \"a//b\": it holds an empty component");
    CHECK(complaint("/trees/0/exclude/0", "\\q") ==
          "manifest: trees[0].exclude[0]: a backslash that is no escape");
    CHECK(complaint("/trees/0/exclude", json(json::array_t(1001, "a"))) ==
          "manifest: trees[0].exclude: has 1001 elements, the limit is 1000");
    CHECK(complaint("/system_name", "") == "manifest: system_name: is empty");
    CHECK(complaint("/system_name", std::string(65537, 'a')) ==
          "manifest: system_name: is longer than 64 KiB");
    CHECK(complaint("/system_name", "a\\x00") == "manifest: system_name: holds a NUL byte");
    CHECK(complaint("/databases/0/name", "x_ft_incoming") != "");
    CHECK(complaint("/databases/0/module_directory", "..") ==
          "manifest: databases[0].module_directory: is no file name");
    CHECK(complaint("/databases/0/module_directory", "a/b") != "");
    CHECK(complaint("/databases/0/locale_provider", "x") ==
          "manifest: databases[0].locale_provider: is none of \"c\", \"i\" and \"b\"");
    CHECK(complaint("/databases/0/locale_provider", "b") == "");
    CHECK(complaint("/databases/0/settings/0", json::array({"a"})) ==
          "manifest: databases[0].settings[0]: is no pair");
    CHECK(complaint("/databases/0/role_settings/1", json::array({"a", "b"})) ==
          "manifest: databases[0].role_settings[1]: is no triple");
    CHECK(complaint("/databases/0/role_settings/1", json::array({"a", "b", 1})) != "");
    CHECK(complaint("/databases/0/dump_files/toc.dat", "xyz") ==
          "manifest: databases[0].dump_files: has no checksum for toc.dat");
    CHECK(complaint("/databases/0/dump_files/..", "0123456789abcdef0123456789abcdef") ==
          "manifest: databases[0].dump_files: holds what is no file name: ..");
    CHECK(complaint("/databases/0/row_counts/public.b", -1) ==
          "manifest: databases[0].row_counts.public.b: is no number from 0 to 2^63-1");
    CHECK(complaint("/databases/0/roles/1/name", "readers") ==
          "manifest: databases[0].roles[1].name: is there twice: readers");
    CHECK(complaint("/databases/0/roles/1/rights/fly", true) ==
          "manifest: databases[0].roles[1].rights: names no right: fly");
    CHECK(complaint("/databases/0/roles/1/rights/login", 1) ==
          "manifest: databases[0].roles[1].rights.login: is neither true nor false");
    CHECK(complaint("/databases/0/roles/1/connection_limit", -2) != "");
    CHECK(complaint("/databases/1", system::to_json(full())["databases"][0]) ==
          "manifest: databases[1].name: is there twice: appliance");
    CHECK_THROWS_WITH(system::manifest_from_json(json::array()), "manifest: is no object");
}

TEST_CASE("the seed of the manifest's fuzz target is a whole manifest", "[system]") {
    std::ifstream file{std::string{FT_TEST_DATA} + "/../fuzz/seeds/manifest/full"};
    CHECK(system::to_json(system::manifest_from_json(json::parse(file))) == system::to_json(full()));
}
