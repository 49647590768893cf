#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "fetch/transfer_policy.h"
#include "ft/base/bytes.h"
#include "ft/base/cancellation.h"
#include "ft/base/progress.h"

namespace ft::fetch {

/// A connection that keeps to the rate of the policy, and ends itself when that turns to compression: reads
/// fail with Error network. One reading thread.
class WatchedStream : public base::Stream {
public:
    /// All are referred to.
    WatchedStream(base::Stream& below, TransferPolicy& policy, const base::Progress& progress,
                  base::Cancellation& cancellation)
        : below_{below},
          policy_{policy},
          progress_{progress},
          outer_{cancellation},
          stopped_{cancellation},
          compressed_{policy.is_compressed()} {}

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
    TransferPolicy& policy_;
    const base::Progress& progress_;
    const base::Cancellation& outer_;
    base::Cancellation stopped_;  // with the run, or when somebody shuts this down
    const bool compressed_;
    std::atomic<bool> content_{false};
    bool turned_ = false;
    std::chrono::steady_clock::time_point last_{};  // when content came
    TransferPolicy::Use use_;
    std::uint64_t matched_before_ = 0;
    // What had come over all connections when this one's content began, or came in its silence.
    std::uint64_t all_before_ = 0;
};

}  // namespace ft::fetch
