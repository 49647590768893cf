#include <fmt/format.h>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "ft/base/error.h"
#include "ft/system/description.h"

using namespace ft;

namespace {

namespace fs = std::filesystem;

const fs::path kProject = fs::path{FT_TEST_DATA}.parent_path().parent_path();

std::string content(const fs::path& file) {
    std::ifstream in{file};
    REQUIRE(in);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::vector<fs::path> pages() {
    std::vector<fs::path> found{kProject / "README.md"};
    for (const auto& entry : fs::recursive_directory_iterator{kProject / "docs"}) {
        if (entry.path().extension() == ".md") found.push_back(entry.path());
    }
    return found;
}

/// What stands between ```json and ```: in this project a whole system.json. Other JSON has other fences.
std::vector<std::string> systems_in(const fs::path& page) {
    std::vector<std::string> systems;
    std::istringstream lines{content(page)};
    bool inside = false;
    for (std::string line; std::getline(lines, line);) {
        if (!inside && line == "```json") {
            inside = true;
            systems.emplace_back();
        } else if (line.starts_with("```")) {
            inside = false;
        } else if (inside) {
            systems.back() += line + '\n';
        }
    }
    return systems;
}

std::vector<std::string> findings(const std::string& text) {
    try {
        system::parse_description(text, "system.json", "/");
    } catch (const base::Error& error) {
        return error.details();
    }
    return {};
}

/// The tests that a table's last column names: `file`: `test`, `test`. `file`: ... Each must be there.
std::size_t tests_in(const std::string& column) {
    std::size_t tests = 0;
    std::string text;
    std::istringstream parts{column};
    std::string part;
    for (bool quoted = false; std::getline(parts, part, '`'); quoted = !quoted) {
        CAPTURE(part);
        if (!quoted) continue;
        if (part.starts_with("tests/")) {
            text = content(kProject / part);
        } else {
            ++tests;
            CHECK(text.find(part) != std::string::npos);
        }
    }
    return tests;
}

}  // namespace

TEST_CASE("every system.json in the documentation is one", "[system][docs]") {
    for (const fs::path& page : pages()) {
        for (const std::string& text : systems_in(page)) {
            CAPTURE(page, text);
            CHECK(findings(text).empty());
        }
    }
}

TEST_CASE("the pages that must show a system.json do", "[system][docs]") {
    CHECK(systems_in(kProject / "README.md").size() == 1);
    CHECK(systems_in(kProject / "docs/system-json.md").size() == 1);
    std::size_t examples = 0;
    for (const auto& entry : fs::directory_iterator{kProject / "docs/examples"}) {
        CAPTURE(entry.path());
        CHECK(systems_in(entry.path()).size() == 2);  // the old server's and the new one's
        ++examples;
    }
    CHECK(examples >= 3);
}

TEST_CASE("the reference names every key that system.json may have", "[system][docs]") {
    const std::string reference = content(kProject / "docs/system-json.md");
    const std::string said = " unknown key, known here: ";
    std::size_t objects = 0;
    for (const std::string& finding : findings(R"({"?": 1, "trees": [{"?": 1}], "databases": [{"?": 1}],
        "services": [{"?": 1}], "keep": {"?": 1, "rows": [{"?": 1}]}, "public_hostname": {"?": 1},
        "hooks": {"?": 1}})")) {
        const std::size_t known = finding.find(said);
        if (known == std::string::npos) continue;
        ++objects;
        // "line 1: trees[0].?:" -> "trees[]."
        std::string object = finding.substr(0, known);
        object = object.substr(object.find(": ") + 2);
        object = object.substr(0, object.find('?'));
        if (const std::size_t index = object.find("[0]"); index != std::string::npos)
            object.erase(index + 1, 1);
        std::istringstream keys{finding.substr(known + said.size())};
        for (std::string key; std::getline(keys >> std::ws, key, ',');) {
            CAPTURE(object, key);
            CHECK(reference.find('`' + object + key + '`') != std::string::npos);
        }
    }
    CHECK(objects == 8);
}

TEST_CASE("the example of the reference uses every part of system.json", "[system][docs]") {
    const auto systems = systems_in(kProject / "docs/system-json.md");
    REQUIRE(systems.size() == 1);
    const auto system = system::parse_description(systems[0], "system.json", "/");
    CHECK_FALSE(system.trees.empty());
    CHECK_FALSE(system.databases.empty());
    CHECK(system.services.size() > 1);
    CHECK_FALSE(system.keep_files.empty());
    CHECK_FALSE(system.keep_rows.empty());
    CHECK(system.accounts);
    CHECK(system.public_hostname);
    for (const auto* hooks : {&system.hooks.before_backup, &system.hooks.after_restore,
                              &system.hooks.before_commit, &system.hooks.after_commit}) {
        CHECK_FALSE(hooks->empty());
    }
}

TEST_CASE("the tests that docs/statements.md names are there", "[system][docs]") {
    std::istringstream lines{content(kProject / "docs/statements.md")};
    std::size_t statements = 0;
    for (std::string line; std::getline(lines, line);) {
        // | number | statement | tests |
        if (!line.starts_with("| ") || line[2] < '1' || line[2] > '9') continue;
        ++statements;
        CAPTURE(line);
        CHECK(line.starts_with(fmt::format("| {} |", statements)));
        CHECK(tests_in(line.substr(line.rfind(" | "))) > 0);
    }
    CHECK(statements == 23);
}

TEST_CASE("docs/faults.md has each number, with tests that are there or the reason why not",
          "[system][docs]") {
    std::vector<std::string> numbers;
    for (int i = 7; i <= 15; ++i) numbers.push_back(fmt::format("C{}", i));
    for (const auto& [prefix, count] : {std::pair{"S", 21},
                                        {"M", 8},
                                        {"FK", 6},
                                        {"FP", 6},
                                        {"FE", 5},
                                        {"FN", 6},
                                        {"FT", 5},
                                        {"FD", 8},
                                        {"FR", 4},
                                        {"FS", 1},
                                        {"FC", 1},
                                        {"FX", 12}}) {
        for (int i = 1; i <= count; ++i) numbers.push_back(fmt::format("{}{}", prefix, i));
    }
    std::istringstream lines{content(kProject / "docs/faults.md")};
    std::vector<std::string> found;
    for (std::string line; std::getline(lines, line);) {
        // | number | case | tests, or "Not: " and why |
        const bool numbered = line.size() > 2 && line.starts_with("| ") &&
                              std::string_view{"CSMF"}.find(line[2]) != std::string_view::npos;
        if (!numbered) continue;
        found.push_back(line.substr(2, line.find(' ', 2) - 2));
        const std::string column = line.substr(line.rfind(" | ") + 3);
        CAPTURE(line);
        CHECK((column.starts_with("Not: ") || tests_in(column) > 0));
    }
    CHECK(found == numbers);
}
