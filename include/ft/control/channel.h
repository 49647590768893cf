#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ft/base/bytes.h"
#include "ft/base/error.h"
#include "ft/base/outcome.h"
#include "ft/system/description.h"
#include "ft/system/manifest.h"

namespace ft::control {

/// Destination -> source, first on each control channel: a run begins, or goes on over a new connection. Of
/// another format than ours only `format` and `ft_version` are read.
struct Begin {
    int format = system::kFormatVersion;
    std::string ft_version;
    std::string run_id;
    std::string host_name;
    bool again = false;      ///< the source has answered this run already, on a connection that was lost
    bool final_run = false;  ///< the source will be asked to stop production traffic
    std::vector<system::KeptRows> keep_rows;  ///< the manifest says what would clash with these
};
/// Source -> destination: the backup for this run is being made.
struct BackupProgress {
    std::string database;
    std::uint64_t bytes_done = 0;
    std::uint64_t bytes_expected = 0;  ///< a guess; 0: unknown
};
/// Destination -> source, once in a final run after Ready: production traffic shall stop. The answer is a
/// second Ready with a fresh backup (or Failure). Again on a new connection, as long as there was no answer.
struct StopTraffic {};
/// Source -> destination: the backup is ready, modules may be pulled. The latest one once more, first, on
/// each new connection of the run.
struct Ready {
    system::Manifest manifest;
};
/// Destination -> source, now and then: how far the run is.
struct RunProgress {
    std::string phase;
    std::uint64_t bytes_done = 0;
    std::uint64_t bytes_wanted = 0;
};
/// Either side: it failed or stops; the run ends. The kind is only a hint for the exit status.
struct Failure {
    std::string message;
    bool cancelled = false;
};
/// Destination -> source, last: how the run ended.
struct Result {
    std::string run_id;
    base::Outcome outcome = base::Outcome::unchanged;
    std::string message;
};
/// Either side, every few seconds when nothing else is said, so that silence means trouble.
struct Alive {};

using Message = std::variant<Begin, BackupProgress, Ready, StopTraffic, RunProgress, Failure, Result, Alive>;

/// The conversation of the two sides as values: one JSON object a line (docs/protocol.md, "Control channel").
/// Texts arrive fit to be shown: escape made them so on the way, unless they were escaped already. Longer
/// ones than 4096 bytes are cut in Failure and Result. send from any thread, receive from one.
class Channel {
public:
    explicit Channel(base::Stream& stream) : stream_{&stream} {}
    void send(const Message& message);
    /// The next message; Alive ones too. Nothing at an orderly end of stream. Errors: peer for a line above
    /// 16 MiB, above 64 levels or a million values, no JSON, an unknown kind, a missing, wrong or unknown
    /// field; network.
    std::optional<Message> receive();

private:
    base::Stream* stream_;
    std::mutex sending_;
    std::string received_;
};

/// The line (with its newline) of a message, and back; for tests, fuzzers and Channel.
std::string encode(const Message& message);
Message decode(std::string_view line);

}  // namespace ft::control
