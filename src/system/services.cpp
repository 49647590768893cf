#include "ft/system/services.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/system/commands.h"

namespace ft::system {
namespace {

constexpr const char* kPhaseVariable = "FT_PHASE";
constexpr int kNotRunnable = 126;  // and above: the program could not be run, as shells say
constexpr std::chrono::seconds kSystemdLimit{30};

// A unit between two tries of its automatic restart is "activating".
constexpr std::array kActiveStates = {"active", "activating", "reloading", "refreshing"};

std::string shown(const ServiceDescription& service) { return "service " + base::escape(service.name); }

Program program(const ServiceDescription& service, const char* action, Argv argv, Phase phase) {
    return {fmt::format("{}: {}", shown(service), action),
            std::move(argv),
            {{kPhaseVariable, std::string{name_of(phase)}}},
            service.timeout};
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string unit_fault(os::Machine& machine, const ServiceDescription& service, Phase phase,
                       base::Cancellation& cancellation) {
    const Answer answer =
        ask(machine,
            program(service, "unit", {"systemctl", "show", "--property=LoadState", "--value", service.unit},
                    phase),
            cancellation);
    const std::string state = first_line(answer.output);
    if (answer.status != 0)
        return fmt::format("{}: systemctl show ends with exit status {}", shown(service), answer.status);
    if (state == "loaded") return {};
    if (state == "not-found")
        return fmt::format("{}: systemd does not know unit {}", shown(service), base::escape(service.unit));
    return fmt::format("{}: systemd says of unit {}: {}", shown(service), base::escape(service.unit),
                       base::escape(state));
}

}  // namespace

bool is_active(os::Machine& machine, const ServiceDescription& service, Phase phase,
               base::Cancellation& cancellation) {
    if (!service.unit.empty()) {
        const Answer answer =
            ask(machine, program(service, "active", {"systemctl", "is-active", service.unit}, phase),
                cancellation);
        const std::string state = first_line(answer.output);
        if (state.empty()) {
            throw base::Error{base::ErrorKind::command,
                              fmt::format("{}: active: systemctl does not say, exit status {}",
                                          shown(service), answer.status),
                              "The log has all that it said."};
        }
        return std::find(kActiveStates.begin(), kActiveStates.end(), state) != kActiveStates.end();
    }
    const int status = run(machine, program(service, "active", service.active, phase), cancellation);
    if (status >= kNotRunnable) {
        throw base::Error{
            base::ErrorKind::command,
            fmt::format("{}: active: exit status {}: it cannot be run", shown(service), status)};
    }
    return status == 0;
}

void stop(os::Machine& machine, const ServiceDescription& service, Phase phase,
          base::Cancellation& cancellation) {
    const Argv argv = service.unit.empty() ? service.stop : Argv{"systemctl", "stop", service.unit};
    require(machine, program(service, "stop", argv, phase), cancellation);
    if (!is_active(machine, service, phase, cancellation)) return;
    throw base::Error{base::ErrorKind::command, fmt::format("{}: stop: it is active still", shown(service)),
                      "Find out what starts it again, or mend \"stop\" and \"active\" in system.json."};
}

void start(os::Machine& machine, const ServiceDescription& service, Phase phase,
           base::Cancellation& cancellation) {
    const Argv argv = service.unit.empty() ? service.start : Argv{"systemctl", "start", service.unit};
    require(machine, program(service, "start", argv, phase), cancellation);
}

void show_phase_to_units(os::Machine& machine, const std::vector<ServiceDescription>& services, Phase phase,
                         base::Cancellation& cancellation) {
    const bool units = std::any_of(services.begin(), services.end(),
                                   [](const auto& service) { return !service.unit.empty(); });
    if (!units) return;
    require(machine,
            {"the phase for units",
             {"systemctl", "set-environment", fmt::format("{}={}", kPhaseVariable, name_of(phase))},
             {},
             kSystemdLimit},
            cancellation);
}

std::vector<std::string> service_findings(os::Machine& machine,
                                          const std::vector<ServiceDescription>& services, Phase phase,
                                          base::Cancellation& cancellation) {
    std::vector<std::string> findings;
    for (const auto& service : services) {
        try {
            std::string fault;
            if (service.unit.empty()) {
                is_active(machine, service, phase, cancellation);
            } else {
                fault = unit_fault(machine, service, phase, cancellation);
            }
            if (!fault.empty()) findings.push_back(fault);
        } catch (const base::Error& error) {
            if (error.kind() == base::ErrorKind::cancelled) throw;
            findings.emplace_back(error.what());
        }
    }
    return findings;
}

}  // namespace ft::system
