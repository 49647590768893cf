#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ft/os/machine.h"

namespace ft::test {

/// What goes wrong, and when. A step is one operation that changes a file system (or would, or makes it
/// durable).
struct Fault {
    enum class Kind { none, fail, kill_before, kill_after, stop_before, no_memory };
    Kind kind = Kind::none;
    std::uint64_t step = 0;  ///< from 1
    int code = 0;            ///< the errno of `fail`
    bool for_ever = false;   ///< `fail`, `no_memory`: all from there on
    std::string after_text;  ///< counting begins after a write with this text in it; empty: at once
    std::string only{};      ///< not empty: steps of this action alone are counted, as their errors name it
    bool no_syncs = false;   ///< syncs do nothing and say that they did: steps all the same
};

/// Understands, for the program ft-faults:
///   FT_FAULT=kill-before:N | kill-after:N | stop-before:N | errno:CODE:N | errno:CODE:N+
///            (CODE as EIO; + for ever) | no-memory:N | no-memory:N+
///   FT_FAULT_AFTER_TEXT=TEXT
///   FT_FAULT_ONLY=ACTION (exchange)
///   FT_FAULT_NO_SYNCS=1
/// Error usage when FT_FAULT is none of these.
Fault read_fault(const os::Machine& machine);

/// Whether the allocation that comes now is number N of no-memory; any thread. Without a machine: false.
bool fails_to_allocate();

/// A machine whose step number N fails, or at which this process is killed with SIGKILL or stopped with
/// SIGSTOP. Steps are counted over the process and those that it forks. Everything else is `real`, which
/// outlives it; what is opened to be read only is not decorated.
class FaultyMachine : public os::Machine {
public:
    FaultyMachine(os::Machine& real, Fault fault);
    ~FaultyMachine() override;

    /// Steps counted so far; with no_memory allocations.
    std::uint64_t steps() const;

    std::unique_ptr<os::Directory> open_root(const std::string& path) override;
    std::unique_ptr<const os::Directory> open_root_to_read(const std::string& path) override;
    std::vector<std::string> make_root(const std::string& path) override;
    void remove_root(const std::string& path) override;
    std::unique_ptr<os::Lock> lock(const std::string& directory) override;
    bool is_locked(const std::string& directory) const override;
    std::unique_ptr<os::Accounts> accounts(const std::string& root) override;
    os::Processes& processes() override;
    os::Network& network() override;
    os::Clock& clock() override;
    os::Terminal& terminal() override;
    void fill_random(std::span<std::byte> into) override;
    std::string host_name() const override;
    void set_host_name(const std::string& name) override;
    std::optional<std::string> environment(const char* name) const override;
    void forget_environment(const char* name) override;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace ft::test
