#include "system/description_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/rel_path.h"
#include "ft/system/host_settings.h"
#include "ft/tree/rules.h"
#include "system/connection_string.h"
#include "system/names.h"
#include "system/paths.h"

namespace ft::system {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestText = 4096;
constexpr std::size_t kShown = 100;  // bytes of a value in a finding

std::string shown(const std::string& value) {
    return '"' + base::escape(value.substr(0, kShown)) + (value.size() > kShown ? "...\"" : "\"");
}

std::string shown(const json& value) {
    if (value.is_null()) return "null";
    const std::string type = value.type_name();
    return (type[0] == 'a' || type[0] == 'o' ? "an " : "a ") + type;
}

}  // namespace

Description DescriptionReader::read() {
    Description system;
    for (const LocatedJson::Fault& fault : json_.faults()) {
        findings_.push_back(
            {fault.line, fault.key.empty() ? fault.message : base::escape(fault.key) + ": " + fault.message});
    }
    const json& top = json_.value();
    if (!findings_.empty() || !is_object(top, "",
                                         {"name", "state_dir", "databases", "trees", "services", "keep",
                                          "accounts", "public_hostname", "hooks"})) {
        return system;
    }

    system.name = top.contains("name") ? text(top, "", "name", Need::required) : "system";
    if (top.contains("state_dir")) system.state_dir = path(top, "", "state_dir", Need::required);
    if (system.state_dir == "/") add("state_dir", "must not be \"/\"");
    if (const json* databases = list(top, "", "databases", kMostDatabases)) {
        for (const json& each : *databases) {
            system.databases.push_back(database(each, element("databases", system.databases.size())));
        }
    }
    if (const json* trees = list(top, "", "trees", kMostTrees)) {
        for (const json& each : *trees) {
            system.trees.push_back(tree(each, element("trees", system.trees.size())));
        }
    }
    if (findings_.empty() && system.databases.empty() && system.trees.empty()) {
        add("", "names neither a database nor a tree");
    }
    read_services(top, system);
    read_keep(top, system);
    system.accounts = flag(top, "", "accounts");
    read_public_hostname(top, system);
    read_hooks(top, system);
    check_databases(system);
    check_trees(system);
    check_variables(system);
    return system;
}

std::vector<std::string> DescriptionReader::findings() const {
    std::vector<Finding> sorted = findings_;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const Finding& a, const Finding& b) { return a.line < b.line; });
    std::vector<std::string> lines;
    lines.reserve(sorted.size());
    for (const Finding& finding : sorted)
        lines.push_back(fmt::format("line {}: {}", finding.line, finding.text));
    return lines;
}

void DescriptionReader::add(const std::string& key, const std::string& message) {
    findings_.push_back({json_.line_of(key), key.empty() ? message : base::escape(key) + ": " + message});
}

bool DescriptionReader::is_object(const json& value, const std::string& at,
                                  std::initializer_list<std::string_view> known) {
    if (!value.is_object()) {
        add(at, "must be an object, is " + shown(value));
        return false;
    }
    for (const auto& [key, ignored] : value.items()) {
        if (std::find(known.begin(), known.end(), key) != known.end()) continue;
        add(member(at, key), fmt::format("unknown key, known here: {}", fmt::join(known, ", ")));
    }
    return true;
}

std::string DescriptionReader::text(const json& object, const std::string& at, const char* key, Need need) {
    const auto found = object.find(key);
    if (found != object.end()) return text_of(*found, member(at, key), need);
    if (need == Need::required) add(member(at, key), "is missing");
    return {};
}

std::string DescriptionReader::text_of(const json& json, const std::string& at, Need need) {
    if (!json.is_string()) {
        add(at, "must be a string, is " + shown(json));
        return {};
    }
    const auto& value = json.get_ref<const std::string&>();
    if (value.empty() && need == Need::required) add(at, "must not be empty");
    if (value.size() > kLongestText) add(at, "must have at most 4096 bytes");
    if (has_controls(value)) add(at, "must not hold control characters, is " + shown(value));
    return value;
}

std::vector<std::string> DescriptionReader::texts(const json& object, const std::string& at, const char* key,
                                                  std::size_t most, Need need) {
    std::vector<std::string> result;
    const json* all = list(object, at, key, most);
    if (all == nullptr) return result;
    for (std::size_t i = 0; i < all->size(); ++i)
        result.push_back(text_of((*all)[i], element(member(at, key), i), need));
    return result;
}

std::string DescriptionReader::path(const json& object, const std::string& at, const char* key, Need need) {
    const std::size_t before = findings_.size();
    const std::string value = text(object, at, key, need);
    if (value.empty() || findings_.size() != before) return {};
    return path_of(value, member(at, key));
}

std::string DescriptionReader::path_of(const std::string& value, const std::string& at) {
    const auto result = normalised(value);
    if (result) return *result;
    add(at, value.starts_with('/') ? "must not hold \"..\" or names above 255 bytes, is " + shown(value)
                                   : "must be an absolute path, is " + shown(value));
    return {};
}

const json* DescriptionReader::list(const json& object, const std::string& at, const char* key,
                                    std::size_t most) {
    const auto found = object.find(key);
    if (found == object.end()) return nullptr;
    if (!found->is_array()) {
        add(member(at, key), "must be an array, is " + shown(*found));
        return nullptr;
    }
    if (found->size() > most) {
        add(member(at, key), fmt::format("must have at most {} elements, has {}", most, found->size()));
        return nullptr;
    }
    return &*found;
}

DatabaseDescription DescriptionReader::database(const json& json, const std::string& at) {
    DatabaseDescription result;
    if (!is_object(json, at, {"name", "connection", "os_user"})) return result;
    const std::size_t before = findings_.size();
    result.name = text(json, at, "name", Need::required);
    if (findings_.size() == before) {
        const std::string fault = fault_of_database_name(result.name);
        if (!fault.empty()) add(member(at, "name"), fault + ", is " + shown(result.name));
    }
    result.os_user = text(json, at, "os_user", Need::optional);
    if (result.os_user.find_first_of(":/ ") != std::string::npos) {
        add(member(at, "os_user"), "must be the name of a system user, is " + shown(result.os_user));
    }
    const std::string connection = text(json, at, "connection", Need::optional);
    if (!has_controls(connection)) {
        try {
            result.connection = parse_connection_string(connection);
        } catch (const base::Error& error) {
            add(member(at, "connection"), error.what());
        }
    }
    return result;
}

TreeDescription DescriptionReader::tree(const json& json, const std::string& at) {
    TreeDescription result;
    if (!is_object(json, at, {"name", "path", "exclude", "mount_point", "must_exist", "mounts"}))
        return result;
    const std::size_t before = findings_.size();
    result.name = text(json, at, "name", Need::required);
    if (findings_.size() == before) {
        const std::string fault = fault_of_tree_name(result.name);
        if (!fault.empty()) add(member(at, "name"), fault + ", is " + shown(result.name));
    }
    result.path = path(json, at, "path", Need::required);
    if (const auto* exclude = list(json, at, "exclude", kMostPatterns)) {
        result.exclude = patterns(*exclude, member(at, "exclude"));
    }
    result.mount_point = flag(json, at, "mount_point");
    result.must_exist = paths_within(json, at, "must_exist", kMostPatterns);
    read_mounts(json, at, result);
    return result;
}

void DescriptionReader::read_mounts(const json& json, const std::string& at, TreeDescription& tree) {
    const std::vector<std::string> paths = paths_within(json, at, "mounts", kMostMounts);
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (!base::RelPath::fault(paths[i]).empty()) continue;  // told already
        const base::RelPath path{paths[i]};
        const std::string here = element(member(at, "mounts"), i);
        if (path.is_root()) add(here, "is the tree itself, for which there is \"mount_point\"");
        if (std::find(tree.mounts.begin(), tree.mounts.end(), path) != tree.mounts.end())
            add(here, "is named twice");
        tree.mounts.push_back(path);
    }
}

std::vector<std::string> DescriptionReader::paths_within(const json& object, const std::string& at,
                                                         const char* key, std::size_t most) {
    std::vector<std::string> result = texts(object, at, key, most, Need::required);
    for (std::size_t i = 0; i < result.size(); ++i) {
        const std::string_view fault = base::RelPath::fault(result[i]);
        if (fault.empty() || result[i].empty()) continue;
        add(element(member(at, key), i),
            fmt::format("must be a path within the tree, not one with {}", fault));
    }
    return result;
}

std::vector<std::string> DescriptionReader::patterns(const json& json, const std::string& at) {
    std::vector<std::string> result;
    for (std::size_t i = 0; i < json.size(); ++i) {
        if (!json[i].is_string()) {
            add(element(at, i), "must be a string, is " + shown(json[i]));
            continue;
        }
        const auto pattern = json[i].get<std::string>();
        try {
            tree::Rules{}.exclude(pattern);
            result.push_back(pattern);
        } catch (const base::Error& error) {
            add(element(at, i), error.what());
        }
    }
    return result;
}

}  // namespace ft::system
