#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "ft/wire/frames.h"

namespace ft::rsync {

/// While it lives, empty frames show a peer that waits that this side is at work (3.3 of the protocol: a peer
/// may give up after some seconds of silence). Nobody else may use `out` meanwhile.
class KeepAlive {
public:
    static constexpr std::chrono::milliseconds kUsual{5000};

    explicit KeepAlive(wire::FrameWriter& out, std::chrono::milliseconds every = kUsual);
    ~KeepAlive();
    KeepAlive(const KeepAlive&) = delete;
    KeepAlive& operator=(const KeepAlive&) = delete;

private:
    void run();

    wire::FrameWriter& out_;
    const std::chrono::milliseconds every_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace ft::rsync
