#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ft/base/digest.h"
#include "ft/base/entry.h"
#include "ft/os/file.h"
#include "ft/staging/names.h"

namespace ft::staging {

/// Files in a generation's directory beside the slots (docs/staging.md).
inline constexpr std::string_view kLog = "log";
inline constexpr std::string_view kOrigin = "origin";

/// What a generation's log says of a regular file: that it is complete, or only that it was begun.
struct LogEntry {
    std::string path{};   ///< from the root of the staging's ground; a RelPath's bytes
    SlotNumber slot{0};   ///< the file itself, or the new directory that holds it
    std::size_t top = 0;  ///< bytes of `path` that the slot stands for; what follows is the way within it
    bool complete = false;
    // Of a complete one:
    std::uint64_t size = 0;
    base::Timestamp mtime{};
    base::DigestKind kind = base::DigestKind::xxh128;
    base::Digest digest{};  ///< of the whole content

    /// Its path from the generation's directory.
    std::string place() const;
    bool operator==(const LogEntry&) const = default;
};

/// As a line, without its newline.
std::string to_line(const LogEntry& entry);
/// Nothing unless `line` is exactly what to_line gives for an entry.
std::optional<LogEntry> entry_of(std::string_view line);
/// Calls `take` for each line that is whole, in their order; all others are passed over. Nothing to do where
/// there is no log. Errors: io.
void read_log(const os::Directory& generation, const std::function<void(LogEntry)>& take);

/// Writes the log of a generation, by 64 KiB or 1 MiB of content. What was not made durable and power loss
/// takes is fetched again; what it promises is compared with the digest. One thread at a time.
class Log {
public:
    /// Nothing is made in `generation` before something is to be written; then `origin` first.
    Log(std::shared_ptr<os::Directory> generation, std::string origin);
    void add(const LogEntry& entry);
    void flush();
    /// All that was added is on the disk, with the origin, in this generation's directory.
    void make_durable();
    /// True when nothing was ever added.
    bool is_empty() const { return !used_; }

private:
    std::shared_ptr<os::Directory> generation_;
    std::string origin_;
    std::unique_ptr<os::File> file_;
    std::uint64_t written_ = 0;
    std::string pending_;
    std::uint64_t pending_content_ = 0;  // bytes of the files in it
    bool used_ = false;
};

/// Who the content of a generation came from; nothing when it does not say, or cannot be read.
std::optional<std::string> read_origin(const os::Directory& generation);

}  // namespace ft::staging
