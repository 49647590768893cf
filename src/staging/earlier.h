#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/base/progress.h"
#include "ft/base/rel_path.h"
#include "ft/os/file.h"
#include "ft/staging/staging.h"
#include "staging/log.h"

namespace ft::staging {

/// The regular files that earlier pulls into a ground have staged, found by their path: those of this
/// process, which are trusted, and those of earlier runs, which must be checked before they are. About 100
/// bytes and the path each. Any thread, but for `add` and `check`.
class Earlier {
public:
    /// True when no further generation can be added, until take_empty has found one.
    bool is_full() const;
    /// The files of a generation, as its log has them. Newer generations come later. False, and nothing is
    /// kept, when there are none.
    bool add(Generation generation, std::unique_ptr<os::Directory> directory, bool of_this_run);
    /// Of the generations that were added, those of which nothing is here any more: all was adopted, or a
    /// newer one has it. They are let go, and the caller removes them. Nothing that was adopted may still lie
    /// there.
    std::vector<Generation> take_empty();
    /// Reads every complete file of earlier runs that was not checked yet. One that is not what the log says
    /// is no more than a basis from then on. Errors: cancelled.
    EarlierFiles check(base::Progress& progress, base::Cancellation& cancellation);

    /// True when a complete, trusted file has this path, size and time of change.
    bool can_adopt(const base::RelPath& path, std::uint64_t size, const base::Timestamp& mtime,
                   const std::optional<ContentSum>& content) const;
    struct Adopted {
        LogEntry was;                        ///< where it lies
        os::Directory* directory = nullptr;  ///< its generation's, until take_empty or clear
        bool of_this_run = false;
    };
    /// Gives that file to the caller, who moves it; it is not here any more.
    Adopted adopt(const base::RelPath& path, std::uint64_t size, const base::Timestamp& mtime);
    EarlierContent open(const base::RelPath& path) const;

    /// Those of this run, parts included.
    EarlierFiles of_this_run() const;
    void clear();
    const std::vector<Generation>& generations() const { return numbers_; }
    bool is_of_this_run(Generation generation) const;

private:
    enum class State : std::uint8_t { begun, unchecked, complete, gone };
    struct Record {
        std::string path;
        std::uint64_t size = 0;
        base::Timestamp mtime{};
        std::array<std::byte, 16> digest{};
        SlotNumber slot{0};
        std::uint32_t top = 0;
        std::uint16_t held = 0;  // position in directories_
        base::DigestKind kind = base::DigestKind::xxh128;
        State state = State::begun;
        LogEntry entry() const;
        base::Digest whole_digest() const {
            return base::Digest{std::span{digest}.first(base::digest_size(kind))};
        }
    };
    struct Held {
        std::unique_ptr<os::Directory> directory;
        bool of_this_run = false;
    };
    void prune();
    void prune(std::span<Record> same_path);
    void drop(Record& record);
    /// A regular file lies where the record says.
    static bool is_there(const os::Directory& directory, const Record& record);
    std::unique_ptr<const os::File> open(const Record& record) const;
    bool fits(const Record& record, base::Progress& progress, base::Cancellation& cancellation) const;
    const Record* find(const base::RelPath& path, std::uint64_t size, const base::Timestamp& mtime) const;

    mutable std::mutex mutex_;     // guards the state of records
    std::vector<Record> records_;  // by path, then the newest first
    std::vector<Held> directories_;
    std::vector<Generation> numbers_;  // of directories_
};

}  // namespace ft::staging
