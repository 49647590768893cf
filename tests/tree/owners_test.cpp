#include "ft/tree/owners.h"

#include <catch2/catch.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace ft;

namespace {

using Table = std::map<std::string, std::uint32_t>;

/// What this machine knows.
class Accounts : public os::Accounts {
public:
    Accounts(Table users, Table groups) : users_{std::move(users)}, groups_{std::move(groups)} {}
    std::optional<std::string> user_name(std::uint32_t) const override { return std::nullopt; }
    std::optional<std::string> group_name(std::uint32_t) const override { return std::nullopt; }
    std::optional<std::uint32_t> user_id(const std::string& name) const override {
        return look(users_, name);
    }
    std::optional<std::uint32_t> group_id(const std::string& name) const override {
        return look(groups_, name);
    }

private:
    static std::optional<std::uint32_t> look(const Table& table, const std::string& name) {
        const auto found = table.find(name);
        if (found == table.end()) return std::nullopt;
        return found->second;
    }
    Table users_;
    Table groups_;
};

}  // namespace

TEST_CASE("owners go by name, else by number, and nobody becomes root", "[tree]") {
    const Accounts accounts{{{"root", 0}, {"www-data", 33}, {"toor", 0}}, {{"www-data", 34}}};
    tree::OwnerNames names;
    names.users = {{0, "www-data"}, {1000, "www-data"}, {1001, "alice\n"}, {1002, "root"}, {1003, "toor"}};
    names.groups = {{0, "wheel"}, {1000, "www-data"}, {1001, "web"}};
    const tree::OwnerMap map{names, accounts};

    CHECK(map.user(0) == 0);
    CHECK(map.user(1000) == 33);
    CHECK(map.user(1001) == 1001);
    CHECK(map.user(1002) == 1002);
    CHECK(map.user(1003) == 1003);
    CHECK(map.user(7) == 7);
    CHECK(map.group(0) == 0);
    CHECK(map.group(1000) == 34);
    CHECK(map.group(1001) == 1001);
    CHECK(map.unknown() == std::vector<std::string>{"user alice\\x0a", "group web"});
}
