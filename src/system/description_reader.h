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
    std::string text_of(const nlohmann::json& json, const std::string& at, Need need);
    std::vector<std::string> texts(const nlohmann::json& object, const std::string& at, const char* key,
                                   std::size_t most, Need each);
    std::string path(const nlohmann::json& object, const std::string& at, const char* key, Need need);
    std::string path_of(const std::string& value, const std::string& at);
    bool flag(const nlohmann::json& object, const std::string& at, const char* key);
    const nlohmann::json* list(const nlohmann::json& object, const std::string& at, const char* key,
                               std::size_t most);
    DatabaseDescription database(const nlohmann::json& json, const std::string& at);
    TreeDescription tree(const nlohmann::json& json, const std::string& at);
    void read_mounts(const nlohmann::json& json, const std::string& at, TreeDescription& tree);
    /// A list of paths from a tree's root.
    std::vector<std::string> paths_within(const nlohmann::json& object, const std::string& at,
                                          const char* key, std::size_t most);
    std::vector<std::string> patterns(const nlohmann::json& json, const std::string& at);

    // description_parts.cpp
    void read_services(const nlohmann::json& top, Description& system);
    void read_keep(const nlohmann::json& top, Description& system);
    void read_public_hostname(const nlohmann::json& top, Description& system);
    void read_hooks(const nlohmann::json& top, Description& system);
    Argv argv(const nlohmann::json& json, const std::string& at);
    Argv argv_member(const nlohmann::json& object, const std::string& at, const char* key);
    ServiceDescription service(const nlohmann::json& json, const std::string& at);
    KeptRows kept_rows(const nlohmann::json& json, const std::string& at, const Description& system);
    /// The database that `object` names, or the only one there is.
    std::string database_named(const nlohmann::json& object, const std::string& at,
                               const Description& system);

    void check_databases(const Description& system);
    void check_trees(const Description& system);
    /// With hooks, each tree and database needs a variable of its own.
    void check_variables(const Description& system);
    void check_overlap(const TreeDescription& outer, const TreeDescription& inner, const std::string& at);

    const LocatedJson& json_;
    std::vector<Finding> findings_;
};

}  // namespace ft::system
