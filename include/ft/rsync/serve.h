#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ft/base/bytes.h"
#include "ft/base/cancellation.h"
#include "ft/base/progress.h"
#include "ft/base/rel_path.h"
#include "ft/os/machine.h"
#include "ft/tree/rules.h"

namespace ft::rsync {

/// A tree that a daemon offers as a module. Referred to, not owned.
struct Module {
    std::string name;
    std::string comment;
    const os::Directory* root = nullptr;
    const tree::Rules* rules = nullptr;
    /// Production goes on in it: a file that changes while it is read is told as a warning, otherwise as an
    /// error.
    bool live = true;
    std::vector<base::RelPath> mounts{};  ///< mount points that are part of it (tree::ScanOptions)
};

/// User and secret of rsync's own challenge and response.
struct Credentials {
    std::string user;
    std::string secret;
};

struct ServeOptions {
    std::vector<Module> modules;
    const os::Accounts* accounts = nullptr;
    /// What a client must know; nothing: the stream is already trusted (TLS with the pairing code).
    std::optional<Credentials> credentials;
    /// Random bytes for the challenge and the checksum seed.
    std::function<void(std::span<std::byte>)> fill_random;
    /// For clients that want no more than `rate` bytes a second: called before `bytes` are sent, returns when
    /// they may, or throws. Null: such clients are refused.
    std::function<void(std::uint64_t bytes, std::uint64_t rate)> hold_back{};
};

/// How a session ended, for the console.
struct Served {
    std::string module;  ///< empty: modules were listed, or the client was refused before it named one
    std::uint64_t files_sent = 0;
    std::uint64_t bytes_literal = 0;
    std::uint64_t vanished = 0;
    std::uint64_t changed = 0;        ///< while they were read
    std::vector<std::string> failed;  ///< objects that could not be read, escaped, first ten
    std::uint64_t failed_count = 0;
    std::string refused;  ///< why the client got an error instead of a tree; empty when it did not
};

/// Plays the daemon on a connection whose first byte was not read yet: greeting, module list or module,
/// credentials, arguments, then the sender, protocol 30 to 32. Read-only. Returns at the end of the session;
/// a client that is refused by the rules is a result, not an error.
/// Errors: peer (it broke the protocol), network, cancelled.
Served serve(base::Stream& stream, const ServeOptions& options, base::Progress& progress,
             base::Cancellation& cancellation);

}  // namespace ft::rsync
