#include <fmt/format.h>

#include <algorithm>
#include <regex>
#include <set>

#include "ft/base/escape.h"
#include "system/description_reader.h"

// What of system.json goes beyond trees and databases: services, what is kept, the public name, hooks.

namespace ft::system {
namespace {

using nlohmann::json;

constexpr std::int64_t kLongestTimeout = 24 * 60 * 60;  // seconds
constexpr std::size_t kMostServices = 256;
constexpr std::size_t kMostHooks = 100;
constexpr std::size_t kMostArguments = 1000;
constexpr std::size_t kMostKept = 10'000;

bool is_pointer(const std::string& text) {
    try {
        return !json::json_pointer{text}.empty();
    } catch (const json::exception&) {
        return false;
    }
}

/// Groups of a regular expression; nothing when it is none.
std::optional<unsigned> groups_of(const std::string& pattern) {
    try {
        return std::regex{pattern}.mark_count();
    } catch (const std::regex_error&) {
        return std::nullopt;
    }
}

}  // namespace

bool DescriptionReader::flag(const json& object, const std::string& at, const char* key) {
    const auto found = object.find(key);
    if (found == object.end()) return false;
    if (found->is_boolean()) return found->get<bool>();
    add(member(at, key), "must be true or false");
    return false;
}

Argv DescriptionReader::argv(const json& json, const std::string& at) {
    Argv result;
    if (!json.is_array() || json.empty() || json.size() > kMostArguments) {
        add(at, "must be a program and its arguments: an array of strings");
        return result;
    }
    for (std::size_t i = 0; i < json.size(); ++i)
        result.push_back(text_of(json[i], element(at, i), i == 0 ? Need::required : Need::optional));
    return result;
}

Argv DescriptionReader::argv_member(const json& object, const std::string& at, const char* key) {
    const auto found = object.find(key);
    if (found != object.end()) return argv(*found, member(at, key));
    add(member(at, key), "is missing");
    return {};
}

ServiceDescription DescriptionReader::service(const json& json, const std::string& at) {
    ServiceDescription result;
    if (!is_object(json, at, {"name", "unit", "stop", "start", "active", "timeout", "rehearsal"}))
        return result;
    if (json.contains("unit")) {
        result.unit = text(json, at, "unit", Need::required);
        if (result.unit.starts_with('-')) add(member(at, "unit"), "must not begin with \"-\"");
        for (const char* key : {"stop", "start", "active"}) {
            if (json.contains(key)) add(member(at, key), "does not go with \"unit\"");
        }
    } else {
        result.stop = argv_member(json, at, "stop");
        result.start = argv_member(json, at, "start");
        result.active = argv_member(json, at, "active");
    }
    result.name = text(json, at, "name", json.contains("unit") ? Need::optional : Need::required);
    if (result.name.empty()) result.name = result.unit;
    if (const auto timeout = json.find("timeout"); timeout != json.end()) {
        if (timeout->is_number_integer() && *timeout >= 1 && *timeout <= kLongestTimeout) {
            result.timeout = std::chrono::seconds{timeout->get<std::int64_t>()};
        } else {
            add(member(at, "timeout"), "must be a whole number of seconds from 1 to 86400");
        }
    }
    const std::string rehearsal = text(json, at, "rehearsal", Need::optional);
    result.off_in_rehearsal = rehearsal == "off";
    if (!rehearsal.empty() && rehearsal != "on" && rehearsal != "off")
        add(member(at, "rehearsal"), "must be \"on\" or \"off\"");
    return result;
}

void DescriptionReader::read_services(const json& top, Description& system) {
    const json* services = list(top, "", "services", kMostServices);
    if (services == nullptr) return;
    std::set<std::string> names;
    for (std::size_t i = 0; i < services->size(); ++i) {
        system.services.push_back(service((*services)[i], element("services", i)));
        const std::string& name = system.services.back().name;
        if (!name.empty() && !names.insert(name).second) {
            add(element("services", i),
                fmt::format("\"{}\" is the name of another service already", base::escape(name)));
        }
    }
}

std::string DescriptionReader::database_named(const json& object, const std::string& at,
                                              const Description& system) {
    if (!object.contains("database") && system.databases.size() == 1) return system.databases[0].name;
    const std::string name = text(object, at, "database", Need::required);
    const bool known = std::any_of(system.databases.begin(), system.databases.end(),
                                   [&](const auto& database) { return database.name == name; });
    if (!known && !name.empty()) add(member(at, "database"), "is not the name of one of the databases");
    return name;
}

KeptRows DescriptionReader::kept_rows(const json& json, const std::string& at, const Description& system) {
    KeptRows result;
    if (!is_object(json, at, {"database", "table", "key", "values"})) return result;
    result.database = database_named(json, at, system);
    result.table = text(json, at, "table", Need::required);
    result.key = text(json, at, "key", Need::required);
    result.values = texts(json, at, "values", kMostKept, Need::optional);
    if (result.values.empty()) add(member(at, "values"), "must hold at least one value of the key");
    return result;
}

void DescriptionReader::read_keep(const json& top, Description& system) {
    const auto keep = top.find("keep");
    if (keep == top.end() || !is_object(*keep, "keep", {"files", "rows"})) return;
    for (const std::string& file : texts(*keep, "keep", "files", kMostKept, Need::required)) {
        const std::string at = element("keep.files", system.keep_files.size());
        system.keep_files.push_back(file.empty() ? file : path_of(file, at));
        if (system.keep_files.back() == "/") add(at, "must not be \"/\"");
    }
    if (const json* rows = list(*keep, "keep", "rows", kMostKept)) {
        for (const json& each : *rows) {
            system.keep_rows.push_back(
                kept_rows(each, element("keep.rows", system.keep_rows.size()), system));
        }
    }
}

void DescriptionReader::read_public_hostname(const json& top, Description& system) {
    const std::string at = "public_hostname";
    const auto found = top.find(at);
    if (found == top.end()) return;
    PublicHostname& name = system.public_hostname.emplace();
    if (found->is_string()) {
        name.literal = text_of(*found, at, Need::required);
        const std::string fault = fault_of_host_name(name.literal);
        if (!fault.empty() && !name.literal.empty()) add(at, fault);
        return;
    }
    if (!is_object(*found, at, {"sql", "database", "file", "pointer", "pattern"})) return;
    const bool by_sql = found->contains("sql");
    if (by_sql == found->contains("file")) return add(at, "needs \"sql\" or \"file\"");
    if (by_sql) {
        name.sql = text(*found, at, "sql", Need::required);
        name.database = database_named(*found, at, system);
        return;
    }
    name.file = path(*found, at, "file", Need::required);
    name.pointer = text(*found, at, "pointer", Need::optional);
    name.pattern = text(*found, at, "pattern", Need::optional);
    if (name.pointer.empty() == name.pattern.empty())
        add(at, "needs \"pointer\" or \"pattern\": where in the file it stands");
    if (!name.pointer.empty() && !is_pointer(name.pointer))
        add(member(at, "pointer"), "must be a JSON pointer, like \"/server/name\"");
    if (const auto groups = groups_of(name.pattern); !groups) {
        add(member(at, "pattern"), "must be a regular expression");
    } else if (!name.pattern.empty() && *groups == 0) {
        add(member(at, "pattern"), "needs a group ( ) around the name");
    }
}

void DescriptionReader::read_hooks(const json& top, Description& system) {
    struct Moment {
        const char* key;
        std::vector<Argv>& programs;
    };
    const Moment moments[] = {{"before_backup", system.hooks.before_backup},
                              {"after_restore", system.hooks.after_restore},
                              {"before_commit", system.hooks.before_commit},
                              {"after_commit", system.hooks.after_commit}};
    const auto hooks = top.find("hooks");
    if (hooks == top.end() ||
        !is_object(*hooks, "hooks", {"before_backup", "after_restore", "before_commit", "after_commit"})) {
        return;
    }
    for (const Moment& moment : moments) {
        const json* all = list(*hooks, "hooks", moment.key, kMostHooks);
        for (std::size_t i = 0; all != nullptr && i < all->size(); ++i)
            moment.programs.push_back(argv((*all)[i], element(member("hooks", moment.key), i)));
    }
}

}  // namespace ft::system
