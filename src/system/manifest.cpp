#include "ft/system/manifest.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/rel_path.h"
#include "ft/system/description.h"
#include "ft/tree/rules.h"
#include "system/manifest_reader.h"
#include "system/names.h"

namespace ft::system {
namespace {

using nlohmann::json;

constexpr std::size_t kMostEach = 100'000;  // roles, settings, extensions...
constexpr int kHighestVersion = 10'000'000;
constexpr std::int64_t kHighestLimit = 2'147'483'647;  // of connections
constexpr std::array<std::string_view, 7> kRights{"superuser", "inherit",     "createrole", "createdb",
                                                  "login",     "replication", "bypassrls"};

/// Names of one kind, each of which may be there once.
class Once {
public:
    void add(const std::string& name, const std::string& at) {
        if (!seen_.insert(name).second) throw manifest_fault(at, "is there twice: " + base::escape(name));
    }

private:
    std::set<std::string> seen_;
};

json escaped(const std::vector<std::string>& texts) {
    json result = json::array();
    for (const std::string& text : texts) result.push_back(base::escape(text));
    return result;
}

json escaped(const std::map<std::string, std::string>& table) {
    json result = json::object();
    for (const auto& [key, value] : table) result[base::escape(key)] = base::escape(value);
    return result;
}

json escaped(const std::vector<std::pair<std::string, std::string>>& pairs) {
    json result = json::array();
    for (const auto& [first, second] : pairs) result.push_back({base::escape(first), base::escape(second)});
    return result;
}

json escaped(const std::vector<RoleSetting>& settings) {
    json result = json::array();
    for (const RoleSetting& setting : settings) {
        result.push_back(
            {base::escape(setting.role), base::escape(setting.name), base::escape(setting.value)});
    }
    return result;
}

void set(json& object, const char* key, const std::optional<std::string>& text) {
    if (text) object[key] = base::escape(*text);
}

json to_json(const Role& role) {
    json result{{"name", base::escape(role.name)},
                {"rights", role.rights},
                {"connection_limit", role.connection_limit},
                {"member_of", escaped(role.member_of)},
                {"settings", escaped(role.settings)}};
    set(result, "password", role.password);
    set(result, "valid_until", role.valid_until);
    return result;
}

json to_json(const KeptTable& kept) {
    json unique = json::array();
    for (const UniqueKey& key : kept.unique) {
        json taken = json::array();
        for (const auto& values : key.taken) taken.push_back(escaped(values));
        unique.push_back({{"columns", escaped(key.columns)}, {"taken", std::move(taken)}});
    }
    return {
        {"table", base::escape(kept.table)}, {"key", base::escape(kept.key)}, {"unique", std::move(unique)}};
}

json to_json(const DatabaseFacts& facts) {
    json roles = json::array();
    for (const Role& role : facts.roles) roles.push_back(to_json(role));
    json row_counts = json::object();
    for (const auto& [table, rows] : facts.row_counts) row_counts[base::escape(table)] = rows;
    json kept = json::array();
    for (const KeptTable& table : facts.kept) kept.push_back(to_json(table));
    json result{{"name", base::escape(facts.name)},
                {"kept", std::move(kept)},
                {"module_directory", base::escape(facts.module_directory)},
                {"server_version", facts.server_version},
                {"dump_version", facts.dump_version},
                {"owner", base::escape(facts.owner)},
                {"encoding", base::escape(facts.encoding)},
                {"locale_provider", base::escape(facts.locale_provider)},
                {"collate", base::escape(facts.collate)},
                {"ctype", base::escape(facts.ctype)},
                {"connection_limit", facts.connection_limit},
                {"acl", escaped(facts.acl)},
                {"acl_is_default", facts.acl_is_default},
                {"settings", escaped(facts.settings)},
                {"role_settings", escaped(facts.role_settings)},
                {"extensions", escaped(facts.extensions)},
                {"roles", std::move(roles)},
                {"row_counts", std::move(row_counts)},
                {"size", facts.size},
                {"dump_bytes", facts.dump_bytes},
                {"dump_files", escaped(facts.dump_files)}};
    set(result, "icu_locale", facts.icu_locale);
    set(result, "comment", facts.comment);
    return result;
}

/// The files of the accounts by name: for writer and reader.
struct AccountFile {
    const char* name;
    std::vector<std::string> AccountFiles::*lines;
};
constexpr AccountFile kAccountFiles[] = {
    {"passwd", &AccountFiles::passwd}, {"shadow", &AccountFiles::shadow},
    {"group", &AccountFiles::group},   {"gshadow", &AccountFiles::gshadow},
    {"subuid", &AccountFiles::subuid}, {"subgid", &AccountFiles::subgid}};

json to_json(const AccountFiles& files) {
    json result = json::object();
    for (const AccountFile& file : kAccountFiles) result[file.name] = escaped(files.*file.lines);
    return result;
}

json to_json(const TreeFacts& facts) {
    return {{"name", base::escape(facts.name)}, {"exclude", escaped(facts.exclude)}};
}

std::vector<std::pair<std::string, std::string>> pairs(const ManifestReader& in, const char* key) {
    std::vector<std::pair<std::string, std::string>> result;
    in.each(key, kMostEach, [&](const json& value, const std::string& at) {
        if (!value.is_array() || value.size() != 2) throw manifest_fault(at, "is no pair");
        result.emplace_back(manifest_text(value[0], at), manifest_text(value[1], at));
    });
    return result;
}

std::vector<RoleSetting> role_settings_of(const ManifestReader& in) {
    std::vector<RoleSetting> result;
    in.each("role_settings", kMostEach, [&](const json& value, const std::string& at) {
        if (!value.is_array() || value.size() != 3) throw manifest_fault(at, "is no triple");
        result.push_back(
            {manifest_text(value[0], at), manifest_text(value[1], at), manifest_text(value[2], at)});
    });
    return result;
}

bool is_file_name(const std::string& name) {
    return name != "." && name.find('/') == std::string::npos && base::RelPath::fault(name).empty();
}

Role role_of(const json& value, const std::string& at) {
    const ManifestReader in{value,
                            at,
                            {"name", "rights", "connection_limit", "member_of", "settings"},
                            {"password", "valid_until"}};
    Role role;
    role.name = in.text("name");
    role.rights = in.table<bool>("rights", [](const json& right, const std::string& name) {
        if (!right.is_boolean()) throw manifest_fault(name, "is neither true nor false");
        return right.get<bool>();
    });
    for (const auto& [right, ignored] : role.rights) {
        if (std::find(kRights.begin(), kRights.end(), right) == kRights.end()) {
            throw in.fault("rights", "names no right: " + base::escape(right));
        }
    }
    role.connection_limit = static_cast<int>(in.number("connection_limit", -1, kHighestLimit));
    role.password = in.optional_text("password");
    role.valid_until = in.optional_text("valid_until");
    role.member_of = in.texts("member_of", kMostEach);
    role.settings = in.table<std::string>("settings", manifest_text);
    return role;
}

std::map<std::string, std::string> dump_files_of(const ManifestReader& in) {
    auto files = in.table<std::string>("dump_files", manifest_text);
    for (const auto& [name, digest] : files) {
        if (!is_file_name(name))
            throw in.fault("dump_files", "holds what is no file name: " + base::escape(name));
        const bool hex = digest.find_first_not_of("0123456789abcdef") == std::string::npos;
        if (digest.size() != 32 || !hex) {
            throw in.fault("dump_files", "has no checksum for " + base::escape(name));
        }
    }
    return files;
}

KeptTable kept_table_of(const json& value, const std::string& at) {
    const ManifestReader in{value, at, {"table", "key", "unique"}};
    KeptTable kept{in.text("table"), in.text("key"), {}};
    in.each("unique", kMostEach, [&](const json& unique, const std::string& name) {
        const ManifestReader key_in{unique, name, {"columns", "taken"}};
        UniqueKey& key = kept.unique.emplace_back();
        key.columns = key_in.texts("columns", kMostEach);
        key_in.each("taken", kMostEach, [&](const json& values, const std::string& row) {
            if (!values.is_array() || values.size() != key.columns.size())
                throw manifest_fault(row, "has not one value a column");
            auto& texts = key.taken.emplace_back();
            for (const json& text : values) texts.push_back(manifest_text(text, row));
        });
    });
    return kept;
}

AccountFiles accounts_of(const json& value, const std::string& at) {
    const ManifestReader in{value, at, {"passwd", "shadow", "group", "gshadow", "subuid", "subgid"}};
    AccountFiles files;
    for (const AccountFile& file : kAccountFiles) files.*file.lines = in.texts(file.name, kMostEach);
    return files;
}

DatabaseFacts database_of(const json& value, const std::string& at) {
    const ManifestReader in{
        value,
        at,
        {"name",     "module_directory", "server_version", "dump_version",  "owner",
         "encoding", "locale_provider",  "collate",        "ctype",         "connection_limit",
         "acl",      "acl_is_default",   "settings",       "role_settings", "extensions",
         "roles",    "row_counts",       "size",           "dump_bytes",    "dump_files",
         "kept"},
        {"icu_locale", "comment"}};
    DatabaseFacts facts;
    facts.name = in.text("name");
    if (const std::string fault = fault_of_database_name(facts.name); !fault.empty())
        throw in.fault("name", fault);
    facts.module_directory = in.text("module_directory");
    if (!is_file_name(facts.module_directory)) throw in.fault("module_directory", "is no file name");
    facts.server_version = static_cast<int>(in.number("server_version", 1, kHighestVersion));
    facts.dump_version = static_cast<int>(in.number("dump_version", 1, kHighestVersion));
    facts.owner = in.text("owner");
    facts.encoding = in.text("encoding");
    facts.locale_provider = in.text("locale_provider");
    if (facts.locale_provider != "c" && facts.locale_provider != "i" && facts.locale_provider != "b") {
        throw in.fault("locale_provider", "is none of \"c\", \"i\" and \"b\"");
    }
    facts.collate = in.text("collate", true);
    facts.ctype = in.text("ctype", true);
    facts.icu_locale = in.optional_text("icu_locale");
    facts.comment = in.optional_text("comment");
    facts.connection_limit = static_cast<int>(in.number("connection_limit", -2, kHighestLimit));
    facts.acl = in.texts("acl", kMostEach);
    facts.acl_is_default = in.boolean("acl_is_default");
    facts.settings = pairs(in, "settings");
    facts.role_settings = role_settings_of(in);
    facts.extensions = pairs(in, "extensions");
    Once roles;
    in.each("roles", kMostEach, [&](const json& role, const std::string& name) {
        facts.roles.push_back(role_of(role, name));
        roles.add(facts.roles.back().name, name + ".name");
    });
    facts.row_counts = in.table<std::uint64_t>("row_counts", manifest_count);
    facts.size = in.count("size");
    facts.dump_bytes = in.count("dump_bytes");
    facts.dump_files = dump_files_of(in);
    in.each("kept", kMostEach, [&](const json& kept, const std::string& name) {
        facts.kept.push_back(kept_table_of(kept, name));
    });
    return facts;
}

TreeFacts tree_of(const json& value, const std::string& at) {
    const ManifestReader in{value, at, {"name", "exclude"}};
    TreeFacts facts;
    facts.name = in.text("name");
    if (const std::string fault = fault_of_tree_name(facts.name); !fault.empty())
        throw in.fault("name", fault);
    facts.exclude = in.texts("exclude", kMostPatterns);
    for (const std::string& pattern : facts.exclude) {
        try {
            tree::Rules{}.exclude(pattern);
        } catch (const base::Error& error) {
            throw in.fault("exclude", error.what());
        }
    }
    return facts;
}

}  // namespace

json to_json(const Manifest& manifest) {
    json trees = json::array();
    for (const TreeFacts& facts : manifest.trees) trees.push_back(to_json(facts));
    json databases = json::array();
    for (const DatabaseFacts& facts : manifest.databases) databases.push_back(to_json(facts));
    json result{{"format", manifest.format},
                {"ft_version", base::escape(manifest.ft_version)},
                {"system_name", base::escape(manifest.system_name)},
                {"host_name", base::escape(manifest.host_name)},
                {"live", manifest.live},
                {"machine", base::escape(manifest.machine)},
                {"trees", std::move(trees)},
                {"databases", std::move(databases)}};
    set(result, "public_hostname", manifest.public_hostname);
    if (manifest.accounts) result["accounts"] = to_json(*manifest.accounts);
    return result;
}

Manifest manifest_from_json(const json& value) {
    // Asked first: another format may have other keys.
    const auto format = value.is_object() ? value.find("format") : value.end();
    if (format != value.end() && format->is_number_integer() && *format != kFormatVersion) {
        throw base::Error{base::ErrorKind::unfit,
                          fmt::format("the source speaks format {}, this ft speaks format {}",
                                      base::escape(format->dump().substr(0, 20)), kFormatVersion),
                          "Install the same version of ft on both servers."};
    }
    const ManifestReader in{
        value,
        "",
        {"format", "ft_version", "system_name", "host_name", "live", "machine", "trees", "databases"},
        {"public_hostname", "accounts"}};
    Manifest manifest;
    manifest.format = static_cast<int>(in.number("format", kFormatVersion, kFormatVersion));
    manifest.ft_version = in.text("ft_version");
    manifest.system_name = in.text("system_name");
    manifest.host_name = in.text("host_name", true);
    manifest.live = in.boolean("live");
    manifest.machine = in.text("machine", true);
    manifest.public_hostname = in.optional_text("public_hostname");
    if (manifest.public_hostname) {
        if (const std::string fault = fault_of_host_name(*manifest.public_hostname); !fault.empty())
            throw in.fault("public_hostname", fault);
    }
    if (value.contains("accounts")) manifest.accounts = accounts_of(value["accounts"], in.at("accounts"));
    Once trees;
    in.each("trees", kMostTrees, [&](const json& tree, const std::string& at) {
        manifest.trees.push_back(tree_of(tree, at));
        trees.add(manifest.trees.back().name, at + ".name");
    });
    Once databases;
    Once directories;
    in.each("databases", kMostDatabases, [&](const json& database, const std::string& at) {
        manifest.databases.push_back(database_of(database, at));
        databases.add(manifest.databases.back().name, at + ".name");
        directories.add(manifest.databases.back().module_directory, at + ".module_directory");
    });
    return manifest;
}

}  // namespace ft::system
