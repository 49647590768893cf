#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ft/os/file.h"
#include "ft/os/network.h"
#include "ft/os/process.h"
#include "ft/os/terminal.h"

namespace ft::os {

/// Users and groups of a system, by name and number.
class Accounts {
public:
    virtual ~Accounts() = default;
    virtual std::optional<std::string> user_name(std::uint32_t id) const = 0;
    virtual std::optional<std::string> group_name(std::uint32_t id) const = 0;
    virtual std::optional<std::uint32_t> user_id(const std::string& name) const = 0;
    virtual std::optional<std::uint32_t> group_id(const std::string& name) const = 0;
};

class Clock {
public:
    virtual ~Clock() = default;
    /// For deadlines and durations; never jumps.
    virtual std::chrono::steady_clock::time_point now() const = 0;
    /// Seconds since 1970, for names and reports only: no decision is made by it.
    virtual std::int64_t wall_seconds() const = 0;
    /// Sleeps, or Error cancelled.
    virtual void sleep(std::chrono::milliseconds time, base::Cancellation& cancellation) = 0;
};

/// Exclusive right to a directory, held until destroyed (flock on the directory: nothing stays behind).
class Lock {
public:
    virtual ~Lock() = default;
};

/// The only door to the outside: main builds the real one, tests build a disk in memory, a process runner
/// with a script, a clock that obeys. Outlives everything that it gave.
class Machine {
public:
    virtual ~Machine() = default;

    /// The directory at `path` (absolute, bytes; links on the way are followed only when root or we own them:
    /// this is for paths that the admin named). Error io when it does not exist or is none.
    virtual std::unique_ptr<Directory> open_root(const std::string& path) = 0;
    virtual std::unique_ptr<const Directory> open_root_to_read(const std::string& path) = 0;
    /// Makes `path` (absolute) and what is missing on the way, mode 0755; returns those made, outermost
    /// first. The directory above keeps its time.
    virtual std::vector<std::string> make_root(const std::string& path) = 0;
    /// Removes the empty directory at `path`; nothing when it is missing, not empty, or no directory but a
    /// link to one. The directory above keeps its time.
    virtual void remove_root(const std::string& path) = 0;
    /// Nothing when another process holds it.
    virtual std::unique_ptr<Lock> lock(const std::string& directory) = 0;

    /// True when some process holds it; takes nothing itself.
    virtual bool is_locked(const std::string& directory) const = 0;

    /// The accounts of the system whose root is `root` ("/": those that the running system knows; otherwise
    /// the files etc/passwd and etc/group below it, and none where these are missing).
    virtual std::unique_ptr<Accounts> accounts(const std::string& root) = 0;
    virtual Processes& processes() = 0;
    virtual Network& network() = 0;
    virtual Clock& clock() = 0;
    virtual Terminal& terminal() = 0;
    virtual void fill_random(std::span<std::byte> into) = 0;  ///< from the kernel's generator
    virtual std::string host_name() const = 0;
    /// The kernel's name of this machine, until it starts again.
    virtual void set_host_name(const std::string& name) = 0;
    virtual std::optional<std::string> environment(const char* name) const = 0;
    /// Takes a variable out of the environment, so that no child sees it.
    virtual void forget_environment(const char* name) = 0;
};

/// The real machine. From then on the whole program allocates from one arena: call it before threads begin.
std::unique_ptr<Machine> make_machine();

}  // namespace ft::os
