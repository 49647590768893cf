#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ft/os/machine.h"
#include "support/memory_disk.h"

namespace ft::test {

/// Accounts from two tables.
class TableAccounts : public os::Accounts {
public:
    std::map<std::string, std::uint32_t> users;
    std::map<std::string, std::uint32_t> groups;
    std::optional<std::string> user_name(std::uint32_t id) const override;
    std::optional<std::string> group_name(std::uint32_t id) const override;
    std::optional<std::uint32_t> user_id(const std::string& name) const override;
    std::optional<std::uint32_t> group_id(const std::string& name) const override;
};

/// A machine of tests: a MemoryDisk, scripted processes, a terminal that remembers, a clock that obeys (sleep
/// moves it), random bytes by seed, and the real loopback network with addresses from tables.
class MemoryMachine : public os::Machine {
public:
    explicit MemoryMachine(MemoryDisk& disk);
    ~MemoryMachine() override;

    TableAccounts table;                                     ///< for every root
    std::function<os::Finished(const os::Command&)> on_run;  ///< answers Processes::run
    std::vector<os::Command> ran;
    std::deque<std::string> answers;               ///< for Terminal::ask; can_ask when not empty
    std::string out;                               ///< all of stdout
    std::string err;                               ///< all of stderr, questions included
    std::map<std::string, std::string> variables;  ///< the environment
    std::string own_name = "memory";               ///< the kernel's name of the machine
    std::map<std::string, std::vector<std::string>> known_hosts;  ///< for Network::addresses_of
    std::vector<std::string> own_addresses;                       ///< for Network::own_addresses

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
