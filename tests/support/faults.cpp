#include "support/faults.h"

#include "support/fault_steps.h"

namespace ft::test {
namespace {

using Step = FaultSteps::Step;

/// The real processes, which need the real directory.
class UnwrappingProcesses : public os::Processes {
public:
    explicit UnwrappingProcesses(os::Machine& real) : real_{real} {}

    os::Finished run(const os::Command& command, base::Cancellation& cancellation,
                     const std::function<void(std::string_view)>& on_error_line) override {
        os::Command unwrapped = command;
        unwrapped.working_directory = behind(command.working_directory);
        return real_.processes().run(unwrapped, cancellation, on_error_line);
    }
    void as_user(const std::string& user, const std::function<void()>& action) override {
        real_.processes().as_user(user, action);
    }

private:
    os::Machine& real_;
};

}  // namespace

struct FaultyMachine::Parts {
    os::Machine& real;
    FaultSteps steps;
    UnwrappingProcesses processes;
};

FaultyMachine::FaultyMachine(os::Machine& real, Fault fault)
    : parts_{new Parts{real, FaultSteps{std::move(fault)}, UnwrappingProcesses{real}}} {}
FaultyMachine::~FaultyMachine() = default;

std::uint64_t FaultyMachine::steps() const { return parts_->steps.counted(); }

std::unique_ptr<os::Directory> FaultyMachine::open_root(const std::string& path) {
    return make_faulty(parts_->real.open_root(path), parts_->steps);
}

std::unique_ptr<const os::Directory> FaultyMachine::open_root_to_read(const std::string& path) {
    return parts_->real.open_root_to_read(path);
}

std::vector<std::string> FaultyMachine::make_root(const std::string& path) {
    const Step step{parts_->steps, "create", path};
    return parts_->real.make_root(path);
}

void FaultyMachine::remove_root(const std::string& path) {
    const Step step{parts_->steps, "remove", path};
    parts_->real.remove_root(path);
}

std::unique_ptr<os::Lock> FaultyMachine::lock(const std::string& directory) {
    return parts_->real.lock(directory);
}

std::unique_ptr<os::Accounts> FaultyMachine::accounts(const std::string& root) {
    return parts_->real.accounts(root);
}

os::Processes& FaultyMachine::processes() { return parts_->processes; }
os::Network& FaultyMachine::network() { return parts_->real.network(); }
bool FaultyMachine::is_locked(const std::string& directory) const {
    return parts_->real.is_locked(directory);
}
os::Clock& FaultyMachine::clock() { return parts_->real.clock(); }
os::Terminal& FaultyMachine::terminal() { return parts_->real.terminal(); }
void FaultyMachine::fill_random(std::span<std::byte> into) { parts_->real.fill_random(into); }
std::string FaultyMachine::host_name() const { return parts_->real.host_name(); }

void FaultyMachine::set_host_name(const std::string& name) {
    const Step step{parts_->steps, "name", "this machine"};
    parts_->real.set_host_name(name);
}

std::optional<std::string> FaultyMachine::environment(const char* name) const {
    return parts_->real.environment(name);
}

void FaultyMachine::forget_environment(const char* name) { parts_->real.forget_environment(name); }

}  // namespace ft::test
