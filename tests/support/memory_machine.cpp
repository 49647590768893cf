#include "support/memory_machine.h"

#include <atomic>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::test {
namespace {

template <typename Key, typename Value>
std::optional<Value> look_up(const std::map<Key, Value>& table, const Key& key) {
    const auto found = table.find(key);
    return found == table.end() ? std::nullopt : std::optional{found->second};
}

std::optional<std::string> name_in(const std::map<std::string, std::uint32_t>& table, std::uint32_t id) {
    for (const auto& [name, number] : table) {
        if (number == id) return name;
    }
    return std::nullopt;
}

class ScriptedProcesses : public os::Processes {
public:
    explicit ScriptedProcesses(MemoryMachine& machine) : machine_{machine} {}

    os::Finished run(const os::Command& command, base::Cancellation& cancellation,
                     const std::function<void(std::string_view)>& on_error_line) override {
        cancellation.check();
        {
            const std::lock_guard lock{mutex_};
            machine_.ran.push_back(command);
        }
        const std::string program = command.arguments.empty() ? "" : command.arguments.front();
        if (!machine_.on_run) {
            throw base::Error{base::ErrorKind::unfit, base::escape(program) + ": no such program"};
        }
        os::Finished finished = machine_.on_run(command);
        if (on_error_line) give_lines(finished.errors, on_error_line);
        return finished;
    }

    void as_user(const std::string&, const std::function<void()>& action) override { action(); }

private:
    static void give_lines(std::string_view text, const std::function<void(std::string_view)>& on_line) {
        while (!text.empty()) {
            const std::size_t end = text.find('\n');
            on_line(text.substr(0, end));
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
    }

    MemoryMachine& machine_;
    std::mutex mutex_;
};

class ObedientClock : public os::Clock {
public:
    std::chrono::steady_clock::time_point now() const override {
        return std::chrono::steady_clock::time_point{std::chrono::hours{1} + passed()};
    }
    std::int64_t wall_seconds() const override {
        return 1'700'000'000 + std::chrono::duration_cast<std::chrono::seconds>(passed()).count();
    }
    void sleep(std::chrono::milliseconds time, base::Cancellation& cancellation) override {
        cancellation.check();
        milliseconds_ += time.count();
        std::this_thread::yield();
    }

private:
    std::chrono::milliseconds passed() const { return std::chrono::milliseconds{milliseconds_.load()}; }
    std::atomic<std::int64_t> milliseconds_{0};
};

class RememberingTerminal : public os::Terminal {
public:
    explicit RememberingTerminal(MemoryMachine& machine) : machine_{machine} {}

    void write_out(std::string_view text) override {
        const std::lock_guard lock{mutex_};
        machine_.out += text;
    }
    void write_error(std::string_view text) override {
        const std::lock_guard lock{mutex_};
        machine_.err += text;
    }
    bool out_is_terminal() const override { return false; }
    unsigned columns() const override { return 80; }
    bool can_ask() const override {
        const std::lock_guard lock{mutex_};
        return !machine_.answers.empty();
    }
    std::optional<std::string> ask(std::string_view question, bool,
                                   base::Cancellation& cancellation) override {
        cancellation.check();
        const std::lock_guard lock{mutex_};
        machine_.err += question;
        if (machine_.answers.empty()) return std::nullopt;
        std::string answer = std::move(machine_.answers.front());
        machine_.answers.pop_front();
        return answer;
    }

private:
    MemoryMachine& machine_;
    mutable std::mutex mutex_;
};

class TableNetwork : public os::Network {
public:
    explicit TableNetwork(MemoryMachine& machine) : machine_{machine}, real_{os::make_machine()} {}

    std::unique_ptr<os::Acceptor> listen(const std::string& address, std::uint16_t port) override {
        return real_->network().listen(address, port);
    }
    std::unique_ptr<os::Socket> connect(const std::string& host, std::uint16_t port,
                                        std::chrono::milliseconds limit,
                                        base::Cancellation& cancellation) override {
        return real_->network().connect(host, port, limit, cancellation);
    }
    std::vector<std::string> addresses_of(const std::string& host, std::chrono::milliseconds,
                                          base::Cancellation& cancellation) override {
        cancellation.check();
        return look_up(machine_.known_hosts, host).value_or(std::vector<std::string>{});
    }
    std::vector<std::string> own_addresses() override { return machine_.own_addresses; }

private:
    MemoryMachine& machine_;
    std::unique_ptr<os::Machine> real_;
};

/// Directories that are locked.
struct Locked {
    std::mutex mutex;
    std::set<std::string> directories;
};

class MemoryLock : public os::Lock {
public:
    MemoryLock(std::shared_ptr<Locked> locked, std::string directory)
        : locked_{std::move(locked)}, directory_{std::move(directory)} {}
    ~MemoryLock() override {
        const std::lock_guard lock{locked_->mutex};
        locked_->directories.erase(directory_);
    }

private:
    std::shared_ptr<Locked> locked_;
    std::string directory_;
};

}  // namespace

std::optional<std::string> TableAccounts::user_name(std::uint32_t id) const { return name_in(users, id); }
std::optional<std::string> TableAccounts::group_name(std::uint32_t id) const { return name_in(groups, id); }
std::optional<std::uint32_t> TableAccounts::user_id(const std::string& name) const {
    return look_up(users, name);
}
std::optional<std::uint32_t> TableAccounts::group_id(const std::string& name) const {
    return look_up(groups, name);
}

struct MemoryMachine::Parts {
    Parts(MemoryDisk& the_disk, MemoryMachine& machine)
        : disk{the_disk}, processes{machine}, terminal{machine} {}

    MemoryDisk& disk;
    ScriptedProcesses processes;
    ObedientClock clock;
    RememberingTerminal terminal;
    std::once_flag network_made;
    std::unique_ptr<TableNetwork> network;
    std::shared_ptr<Locked> locked = std::make_shared<Locked>();
    std::mutex random_mutex;
    std::mt19937_64 random{1};
};

MemoryMachine::MemoryMachine(MemoryDisk& disk) : parts_{std::make_unique<Parts>(disk, *this)} {}
MemoryMachine::~MemoryMachine() = default;

std::unique_ptr<os::Directory> MemoryMachine::open_root(const std::string& path) {
    return parts_->disk.open(path);
}

std::unique_ptr<const os::Directory> MemoryMachine::open_root_to_read(const std::string& path) {
    return parts_->disk.open(path);
}

std::vector<std::string> MemoryMachine::make_root(const std::string& path) {
    std::vector<std::string> made;
    auto directory = parts_->disk.open("/");
    for (std::size_t start = 1; start < path.size();) {
        const std::size_t end = std::min(path.find('/', start), path.size());
        const std::string name = path.substr(start, end - start);
        if (!directory->status(name)) {
            const auto above = directory->status(".")->attributes;
            directory->create_directory(name);
            const auto status = *directory->status(name);
            directory->set_attributes(name, {0755, 0, 0, status.attributes.mtime});
            directory->open_directory(name)->sync();
            directory->set_attributes(".", above);
            directory->sync();
            made.push_back(path.substr(0, end));
        }
        directory = directory->open_directory(name);
        start = end + 1;
    }
    return made;
}

void MemoryMachine::remove_root(const std::string& path) {
    const auto root = parts_->disk.open("/");
    const std::string_view below = std::string_view{path}.substr(1);
    if (below.empty() || !root->status(below) || !parts_->disk.open(path)->list().empty()) return;
    const std::size_t slash = below.rfind('/');
    const std::string_view parent = slash == std::string_view::npos ? "." : below.substr(0, slash);
    const auto above = root->status(parent)->attributes;
    root->remove(below);
    root->set_attributes(parent, above);
    root->open_directory(parent)->sync();
}

std::unique_ptr<os::Lock> MemoryMachine::lock(const std::string& directory) {
    parts_->disk.open(directory);
    const std::lock_guard lock{parts_->locked->mutex};
    if (!parts_->locked->directories.insert(directory).second) return nullptr;
    return std::make_unique<MemoryLock>(parts_->locked, directory);
}

std::unique_ptr<os::Accounts> MemoryMachine::accounts(const std::string&) {
    return std::make_unique<TableAccounts>(table);
}

os::Processes& MemoryMachine::processes() { return parts_->processes; }

os::Network& MemoryMachine::network() {
    std::call_once(parts_->network_made, [this] { parts_->network = std::make_unique<TableNetwork>(*this); });
    return *parts_->network;
}

bool MemoryMachine::is_locked(const std::string& directory) const {
    const std::lock_guard lock{parts_->locked->mutex};
    return parts_->locked->directories.contains(directory);
}
os::Clock& MemoryMachine::clock() { return parts_->clock; }
os::Terminal& MemoryMachine::terminal() { return parts_->terminal; }

void MemoryMachine::fill_random(std::span<std::byte> into) {
    const std::lock_guard lock{parts_->random_mutex};
    for (std::byte& byte : into) byte = static_cast<std::byte>(parts_->random());
}

std::string MemoryMachine::host_name() const { return own_name; }
void MemoryMachine::set_host_name(const std::string& name) { own_name = name; }

std::optional<std::string> MemoryMachine::environment(const char* name) const {
    return look_up(variables, std::string{name});
}

void MemoryMachine::forget_environment(const char* name) { variables.erase(name); }

}  // namespace ft::test
