#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/fetch/options.h"
#include "ft/os/machine.h"
#include "ft/transport/pace.h"
#include "ft/wire/compression.h"

namespace ft::fetch {

/// How content comes over the connections that the pulls of a run have: whether it is compressed, and how
/// many bytes may come a second. One for a run. Any thread.
class TransferPolicy {
public:
    /// `rate`: bytes a second over all connections; 0: no limit.
    TransferPolicy(os::Clock& clock, Compress wanted, std::uint64_t rate)
        : clock_{clock}, wanted_{wanted}, compressed_{wanted == Compress::zstd}, pace_{clock, rate} {}

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
    void hold_back(std::uint64_t bytes, base::Cancellation& cancellation) {
        pace_.hold_back(bytes, cancellation);
    }

private:
    os::Clock& clock_;
    const Compress wanted_;
    std::atomic<bool> compressed_;
    transport::Pace pace_;
};

}  // namespace ft::fetch
