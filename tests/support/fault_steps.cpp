#include "support/fault_steps.h"

#include <sys/mman.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstring>
#include <new>

#include "ft/base/bytes.h"
#include "ft/base/error.h"

namespace ft::test {
namespace {

[[noreturn]] void kill_this_process() {
    ::kill(::getpid(), SIGKILL);
    while (true) ::pause();
}

/// Takes a number from the front of `text`; 0 when there is none.
std::uint64_t take_number(std::string_view& text) {
    std::uint64_t number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number).ptr;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

/// Takes the name of an errno, as EIO, from the front of `text`; 0 when there is none.
int take_errno(std::string_view& text) {
    const std::string name{text.substr(0, text.find(':'))};
    for (int code = 1; code < 200; ++code) {
        const char* known = ::strerrorname_np(code);
        if (known == nullptr || name != known) continue;
        text.remove_prefix(name.size());
        return code;
    }
    return 0;
}

bool take(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

}  // namespace

Fault read_fault(const os::Machine& machine) {
    Fault fault;
    fault.after_text = machine.environment("FT_FAULT_AFTER_TEXT").value_or("");
    fault.only = machine.environment("FT_FAULT_ONLY").value_or("");
    fault.no_syncs = machine.environment("FT_FAULT_NO_SYNCS").has_value();
    const auto wanted = machine.environment("FT_FAULT");
    if (!wanted) return fault;
    std::string_view left = *wanted;
    bool understood = true;
    if (take(left, "kill-before:")) {
        fault.kind = Fault::Kind::kill_before;
    } else if (take(left, "kill-after:")) {
        fault.kind = Fault::Kind::kill_after;
    } else if (take(left, "stop-before:")) {
        fault.kind = Fault::Kind::stop_before;
    } else if (take(left, "errno:")) {
        fault.kind = Fault::Kind::fail;
        fault.code = take_errno(left);
        understood = fault.code != 0 && take(left, ":");
    } else if (take(left, "no-memory:")) {
        fault.kind = Fault::Kind::no_memory;
    } else {
        understood = false;
    }
    fault.step = take_number(left);
    const bool can_last = fault.kind == Fault::Kind::fail || fault.kind == Fault::Kind::no_memory;
    fault.for_ever = can_last && take(left, "+");
    if (!understood || fault.step == 0 || !left.empty()) {
        throw base::Error{base::ErrorKind::usage, "FT_FAULT: not understood: " + *wanted};
    }
    return fault;
}

/// Of the machine that there is.
std::atomic<FaultSteps*> g_steps = nullptr;

bool fails_to_allocate() {
    FaultSteps* const steps = g_steps;
    return steps != nullptr && steps->count_allocation();
}

FaultSteps::FaultSteps(Fault fault) : fault_{std::move(fault)} {
    void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc{};
    shared_ = new (memory) Shared{.counting = fault_.after_text.empty(), .counted = 0};
    if (fault_.kind == Fault::Kind::no_memory) g_steps = this;
}

FaultSteps::~FaultSteps() {
    g_steps = nullptr;
    ::munmap(shared_, sizeof(Shared));
}

bool FaultSteps::strikes(std::uint64_t number) const {
    return number == fault_.step || (fault_.for_ever && number > fault_.step);
}

bool FaultSteps::count_allocation() { return shared_->counting && strikes(++shared_->counted); }

void FaultSteps::wrote(std::span<const std::byte> data) {
    if (shared_->counting) return;
    if (base::as_text(data).find(fault_.after_text) != std::string_view::npos) shared_->counting = true;
}

FaultSteps::Step::Step(FaultSteps& steps, std::string_view action, const std::string& path) {
    const Fault& fault = steps.fault_;
    if (!steps.shared_->counting || fault.kind == Fault::Kind::no_memory) return;
    if (!fault.only.empty() && fault.only != action) return;
    if (!steps.strikes(++steps.shared_->counted)) return;
    if (fault.kind == Fault::Kind::kill_before) kill_this_process();
    if (fault.kind == Fault::Kind::stop_before) ::kill(::getpid(), SIGSTOP);
    if (fault.kind == Fault::Kind::fail) throw base::system_error(action, path, fault.code);
    killed_after_ = fault.kind == Fault::Kind::kill_after;
}

FaultSteps::Step::~Step() {
    if (killed_after_) kill_this_process();
}

}  // namespace ft::test
