#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "support/faults.h"

namespace ft::test {

/// Counts the steps of this process and of those that it forks. Any thread.
class FaultSteps {
public:
    explicit FaultSteps(Fault fault);
    ~FaultSteps();
    FaultSteps(const FaultSteps&) = delete;
    FaultSteps& operator=(const FaultSteps&) = delete;

    std::uint64_t counted() const { return shared_->counted; }
    bool no_syncs() const { return fault_.no_syncs; }
    /// Counts an allocation; true when it must fail. Does not allocate.
    bool count_allocation();
    /// Tells that `data` was written.
    void wrote(std::span<const std::byte> data);

    /// One step, from its construction to its destruction: either of them may be the end of this process.
    class Step {
    public:
        Step(FaultSteps& steps, std::string_view action, const std::string& path);
        ~Step();
        Step(const Step&) = delete;
        Step& operator=(const Step&) = delete;

    private:
        bool killed_after_ = false;
    };

private:
    struct Shared {
        std::atomic<bool> counting;
        std::atomic<std::uint64_t> counted;
    };

    bool strikes(std::uint64_t number) const;

    const Fault fault_;
    Shared* shared_;
};

std::unique_ptr<os::Directory> make_faulty(std::unique_ptr<os::Directory> real, FaultSteps& steps);
/// The directory behind `directory` when that is one of make_faulty, else itself.
const os::Directory* behind(const os::Directory* directory);

}  // namespace ft::test
