#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ft::system {

/// What this version of ft calls the conversation; the other side's must be equal.
inline constexpr int kFormatVersion = 1;

struct TreeFacts {
    std::string name;
    std::vector<std::string> exclude;
};

/// A role that owns or is granted something, as pg_authid has it.
struct Role {
    std::string name;
    std::map<std::string, bool>
        rights;  ///< "superuser", "inherit", "createrole", "createdb", "login", "replication", "bypassrls"
    int connection_limit = -1;
    std::optional<std::string> password;  ///< the stored hash; nothing: none
    std::optional<std::string> valid_until;
    std::vector<std::string> member_of;           ///< names
    std::map<std::string, std::string> settings;  ///< ALTER ROLE ... SET
};

/// What a role has set in one database only: ALTER ROLE ... IN DATABASE ... SET.
struct RoleSetting {
    std::string role;
    std::string name;
    std::string value;
    bool operator==(const RoleSetting&) const = default;
};

struct DatabaseFacts {
    std::string name;
    std::string module_directory;  ///< directory of its dump within the backup module
    int server_version = 0;        ///< libpq's number: 150020
    int dump_version = 0;          ///< of pg_dump, same form
    std::string owner;
    std::string encoding;         ///< "UTF8"
    std::string locale_provider;  ///< "c" (libc), "i" (ICU) or "b" (builtin, since PostgreSQL 17)
    std::string collate;
    std::string ctype;
    std::optional<std::string> icu_locale;  ///< the provider's own locale, also for "b"
    std::optional<std::string> comment;
    int connection_limit = -1;
    std::vector<std::string> acl;  ///< aclitems of the database as text; empty: default
    bool acl_is_default = true;
    std::vector<std::pair<std::string, std::string>> settings;  ///< ALTER DATABASE ... SET: name, value
    std::vector<RoleSetting> role_settings;
    std::vector<std::pair<std::string, std::string>> extensions;  ///< name, version
    std::vector<Role> roles;                                      ///< roles before their members
    std::map<std::string, std::uint64_t>
        row_counts;                ///< "schema.table" quoted as the server quotes -> rows in the snapshot
    std::uint64_t size = 0;        ///< bytes in the cluster
    std::uint64_t dump_bytes = 0;  ///< bytes of the dump directory
    std::map<std::string, std::string> dump_files;  ///< file of the dump -> xxh128 of its content, hex
};

/// What the source tells first.
struct Manifest {
    int format = kFormatVersion;
    std::string ft_version;
    std::string system_name;
    std::string host_name;
    bool live = true;  ///< production goes on
    std::vector<TreeFacts> trees;
    std::vector<DatabaseFacts> databases;
};

nlohmann::json to_json(const Manifest& manifest);
/// Error unfit when it is of another format. Error peer, naming the key, for anything that is not exactly a
/// manifest (unknown and missing keys, types, ranges, duplicate names, names that no tree may have). Texts
/// travel as base::escape writes them, so any bytes do.
Manifest manifest_from_json(const nlohmann::json& json);

/// Names of the modules that carry the backup and the trees.
inline constexpr const char* kBackupModule = "ft-backup";

}  // namespace ft::system
