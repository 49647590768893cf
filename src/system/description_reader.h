#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "ft/system/description.h"
#include "system/located_json.h"

namespace ft::system {

/// Turns the JSON of `system.json` into values and collects everything that is wrong with it.
class DescriptionReader {
public:
    explicit DescriptionReader(const LocatedJson& json) : json_{json} {}
    Description read();
    /// "line 7: trees[1].path: must be ...", by line.
    std::vector<std::string> findings() const;

private:
    enum class Need { required, optional };
    struct Finding {
        std::size_t line;
        std::string text;
    };

    void add(const std::string& key, const std::string& message);
    bool is_object(const nlohmann::json& value, const std::string& at,
                   std::initializer_list<std::string_view> known);
    std::string text(const nlohmann::json& object, const std::string& at, const char* key, Need need);
    std::string path(const nlohmann::json& object, const std::string& at, const char* key, Need need);
    const nlohmann::json* list(const nlohmann::json& object, const std::string& at, const char* key,
                               std::size_t most);
    DatabaseDescription database(const nlohmann::json& json, const std::string& at);
    TreeDescription tree(const nlohmann::json& json, const std::string& at);
    std::vector<std::string> patterns(const nlohmann::json& json, const std::string& at);
    void check_databases(const Description& system);
    void check_trees(const Description& system);
    void check_overlap(const TreeDescription& outer, const TreeDescription& inner, const std::string& at);

    const LocatedJson& json_;
    std::vector<Finding> findings_;
};

}  // namespace ft::system
