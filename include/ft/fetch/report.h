#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ft/staging/change_list.h"

namespace ft::fetch {

/// One tree of a run, for people and scripts.
struct TreeReport {
    std::string name;
    std::uint64_t entries = 0;        ///< listed by the source
    std::uint64_t bytes = 0;          ///< of all its files
    std::uint64_t bytes_literal = 0;  ///< of these, fetched
    std::uint64_t vanished = 0;
    std::uint64_t adopted_files = 0;  ///< an earlier run, which failed, had fetched them
    std::uint64_t adopted_bytes = 0;
    std::uint64_t verified_files = 0;   ///< compared by content, when that was asked for
    std::uint64_t differing_files = 0;  ///< of these: other content under the same size and time
    staging::ChangeCounts counts;
};
struct DatabaseReport {
    std::string name;
    std::uint64_t tables = 0;
    std::uint64_t rows = 0;
    std::uint64_t dump_bytes = 0;
};
/// Something that stayed this machine's own although a tree or database covers it.
struct KeptReport {
    std::string kind;  ///< "host setting", "file", "rows", "account"
    std::string name;
    std::string group{};  ///< of a host setting or account, for people: "DNS servers"
};
/// What came, and what stayed.
struct Report {
    std::vector<TreeReport> trees;
    std::vector<DatabaseReport> databases;
    std::uint64_t backup_bytes_literal = 0;
    std::string compression;           ///< of content: the last connections'
    std::uint64_t bytes_received = 0;  ///< on the wire, TLS included
    std::uint64_t bytes_sent = 0;
    std::vector<std::string> warnings;
    std::vector<KeptReport> kept;
};

}  // namespace ft::fetch
