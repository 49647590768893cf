#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ft/base/digest.h"
#include "ft/wire/compression.h"

namespace ft::rsync {

/// What a pulling client asked of us in its arguments.
struct Options {
    bool sender = false;  ///< we send; false: a push, always refused
    bool recurse = false;
    bool directories = false;  ///< without recurse: one level
    bool links = false;
    bool owner = false;
    bool group = false;
    bool devices = false;
    bool specials = false;
    bool hard_links = false;
    bool acls = false;
    bool xattrs = false;
    bool numeric_ids = false;
    bool dry_run = false;
    bool ignore_errors = false;
    bool checksums = false;           ///< the list tells the checksum of each file (-c)
    bool compress = false;            ///< the client asks for compression
    bool compression_chosen = false;  ///< and expects that none is negotiated
    int compression_level = 0;        ///< asked for, 1 to 9 (above: 9); 0: ours
    bool level_zero = false;          ///< with zlib and zlibx, both sides take that as none
    wire::Compression compression = wire::Compression::none;  ///< the chosen one
    bool checksum_chosen = false;                   ///< the client expects that no checksum is negotiated
    std::optional<base::DigestKind> checksum;       ///< the chosen one, when it is one of ours
    std::optional<base::DigestKind> list_checksum;  ///< the same, of the file list
    std::optional<std::int32_t> seed;
    std::uint64_t rate = 0;        ///< bytes a second at most; 0: no limit
    std::uint32_t timeout = 0;     ///< seconds of silence after which the client gives up; 0: never
    bool one_file_system = false;  ///< nothing that is mounted in the module, even where it is part of it
    std::string capabilities;      ///< letters behind "e."
    std::string path;              ///< below the module, no slash at its ends; empty: the module's root
    bool contents = false;         ///< what is in `path`, not `path` itself
    std::string refused;           ///< one sentence that names what we do not grant; empty: all is granted
};

/// True when the arguments go on in a second list ("secluded").
bool has_second_list(const std::vector<std::string>& first);

/// Matches the arguments against the few that a reading client needs; the first other one is refused by name.
/// `second` is empty unless the client secluded its arguments. Error peer when there is no argument list at
/// all.
Options read_options(const std::vector<std::string>& first, const std::vector<std::string>& second,
                     std::string_view module);

}  // namespace ft::rsync
