#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

#include "ft/base/bytes.h"
#include "ft/base/cancellation.h"
#include "ft/base/progress.h"
#include "ft/migrate/migrate.h"
#include "ft/os/machine.h"
#include "ft/wire/compression.h"

namespace ft::migrate {

/// The way to the source that the pulls of a run share: whether content is compressed there, and how many
/// bytes may come a second. One for a run. Any thread.
class Link {
public:
    /// `rate`: bytes a second over all connections; 0: no limit.
    Link(os::Clock& clock, Compress wanted, std::uint64_t rate)
        : clock_{clock}, wanted_{wanted}, rate_{rate}, compressed_{wanted == Compress::zstd} {}

    /// What the next connection asks for.
    std::vector<wire::Compression> compressions() const;
    bool is_compressed() const { return compressed_; }
    os::Clock& clock() const { return clock_; }

    struct Use {
        std::chrono::steady_clock::duration lasted{};
        std::chrono::steady_clock::duration waited{};  ///< of this, for bytes
        std::uint64_t received = 0;                    ///< bytes
        std::uint64_t by_others = 0;                   ///< bytes that came meanwhile over other connections
        std::uint64_t matched = 0;                     ///< bytes that were here, of files that changed
        std::uint64_t left = 0;                        ///< bytes still to come, uncompressed
    };
    /// True when a connection that was used so should begin anew, compressed: whoever receives waits nearly
    /// all the time, for less than a core compresses, mostly for what is new, and has long to go. From then
    /// on all are.
    bool turns(const Use& use);

    /// Bytes of content that have come over all connections.
    std::atomic<std::uint64_t> received{0};

    /// `bytes` have come: returns when the next may. Error cancelled.
    void hold_back(std::uint64_t bytes, base::Cancellation& cancellation);

private:
    os::Clock& clock_;
    const Compress wanted_;
    const std::uint64_t rate_;
    std::atomic<bool> compressed_;
    std::mutex mutex_;
    std::chrono::steady_clock::time_point paid_{};  // what came is within the rate by then
};

/// A connection that keeps to the link's rate, and ends itself when the link turns: reads fail with Error
/// network. One reading thread.
class WatchedStream : public base::Stream {
public:
    /// All are referred to.
    WatchedStream(base::Stream& below, Link& link, const base::Progress& progress,
                  base::Cancellation& cancellation)
        : below_{below},
          link_{link},
          progress_{progress},
          outer_{cancellation},
          stopped_{cancellation},
          compressed_{link.is_compressed()} {}

    /// What comes now is content.
    void begin_content() { content_ = true; }
    /// It has ended itself.
    bool turned() const { return turned_; }

    std::size_t read_some(std::span<std::byte> into) override;
    void write(std::span<const std::byte> data) override { below_.write(data); }
    void flush() override { below_.flush(); }
    /// Ends a wait for the rate too.
    void shut_down() noexcept override;

private:
    void hold_back(std::uint64_t bytes);

    base::Stream& below_;
    Link& link_;
    const base::Progress& progress_;
    const base::Cancellation& outer_;
    base::Cancellation stopped_;  // with the run, or when somebody shuts this down
    const bool compressed_;
    std::atomic<bool> content_{false};
    bool turned_ = false;
    std::chrono::steady_clock::time_point last_{};  // when content came
    Link::Use use_;
    std::uint64_t matched_before_ = 0;
    std::uint64_t all_before_ =
        0;  // what had come over the link when this one's content began, or came in its silence
};

}  // namespace ft::migrate
