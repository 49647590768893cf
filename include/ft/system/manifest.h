#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ft::system {

/// What this version of ft calls the conversation; the other side's must be equal.
inline constexpr int kFormatVersion = 2;

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

/// A unique key of a table (columns of an index) and the values that rows of the source have for it.
struct UniqueKey {
    std::vector<std::string> columns;
    std::vector<std::vector<std::string>> taken;  ///< as text; rows with a null among them are left out
    bool operator==(const UniqueKey&) const = default;
};

/// A table of which the destination keeps rows, as the source has it: without the rows that will give way.
struct KeptTable {
    std::string table;  ///< as the destination named it (KeptRows)
    std::string key;
    std::vector<UniqueKey> unique;
    bool operator==(const KeptTable&) const = default;
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
    std::vector<KeptTable> kept;                    ///< answers to what the run's begin asked
};

/// The account files of a system, as lines without their newlines; a file that is missing has none.
struct AccountFiles {
    std::vector<std::string> passwd;
    std::vector<std::string> shadow;
    std::vector<std::string> group;
    std::vector<std::string> gshadow;
    std::vector<std::string> subuid;
    std::vector<std::string> subgid;
    bool operator==(const AccountFiles&) const = default;
};

/// What the source tells first.
struct Manifest {
    int format = kFormatVersion;
    std::string ft_version;
    std::string system_name;
    std::string host_name;
    bool live = true;                            ///< production goes on
    std::string machine;                         ///< digest of the machine id, hex; empty: it has none
    std::optional<std::string> public_hostname;  ///< valid; nothing: system.json does not say
    std::optional<AccountFiles> accounts;        ///< when they come across
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
