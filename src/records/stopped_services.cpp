#include "ft/records/stopped_services.h"

#include <fmt/format.h>

#include <algorithm>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/system/services.h"

namespace ft::records {
namespace {

/// What an earlier start could not start again counts as found active.
ServiceState found(const StoppedService& each, const std::optional<StoppedRecord>& earlier, bool active) {
    if (active) return ServiceState::running;
    const auto waiting = [&](const StoppedService& other) {
        return other.service.name == each.service.name && earlier->wanted(other);
    };
    const bool wanted = earlier && std::any_of(earlier->services.begin(), earlier->services.end(), waiting);
    return wanted ? ServiceState::stopped : ServiceState::off;
}

}  // namespace

std::string joined(const std::vector<std::string>& names) {
    std::string shown;
    for (const std::string& name : names) shown += (shown.empty() ? "" : ", ") + base::escape(name);
    return shown;
}

std::string what_stays_off(const std::vector<std::string>& names) {
    return fmt::format(
        "These services stay off, because this was a rehearsal: {}. To start them: ft start-services",
        joined(names));
}

StoppedServices::StoppedServices(os::Machine& machine, os::Directory& state, ui::Console& console)
    : machine_{machine},
      state_{state},
      console_{console},
      record_{read_stopped(state)},
      inherited_{record_.has_value()} {}

void StoppedServices::stop(Side side, const std::string& run_id, system::Phase phase,
                           const std::vector<system::ServiceDescription>& services,
                           base::Cancellation& cancellation, std::optional<system::Phase> before) {
    StoppedRecord record{side, run_id, phase, false, {}, before};
    for (const auto& service : services) {
        StoppedService each{service, ServiceState::off};
        each.state = found(each, record_, system::is_active(machine_, service, phase, cancellation));
        record.services.push_back(std::move(each));
    }
    if (record.services.empty()) return;
    write_stopped(state_, record);
    record_ = std::move(record);
    inherited_ = false;
    for (StoppedService& each : record_->services) {
        if (each.state != ServiceState::running) continue;
        cancellation.check();
        stop_one(each);
    }
    cancellation.check();
}

void StoppedServices::stop_one(StoppedService& each) {
    base::Cancellation never;
    console_.say(fmt::format("Stopping {}.", base::escape(each.service.name)));
    each.state = ServiceState::stopping;
    try {
        write_stopped(state_, *record_);
    } catch (...) {
        each.state = ServiceState::running;
        throw;
    }
    system::stop(machine_, each.service, record_->phase, never);
    each.state = ServiceState::stopped;
    write_stopped(state_, *record_);
}

void StoppedServices::set_phase(system::Phase phase) {
    if (!record_ || record_->phase == phase) return;
    record_->phase = phase;
    write_stopped(state_, *record_);
}

void StoppedServices::commit() {
    if (!record_) return;
    record_->committed = true;
    write_stopped(state_, *record_);
}

void StoppedServices::taken_back(system::Phase before) {
    if (!record_) return;
    record_->phase_before = before;
    record_->taken_back = true;
    write_stopped(state_, *record_);
}

void StoppedServices::start_one(StoppedService& each) {
    base::Cancellation never;
    const auto active = [&] {
        try {
            return system::is_active(machine_, each.service, record_->phase_here(), never);
        } catch (const base::Error& error) {
            base::log_warning("{}", error.what());
            return false;
        }
    };
    if (each.state != ServiceState::stopping) {
        if (active()) return;
    } else if (inherited_ && active()) {
        // Its stop was killed in the middle: what runs now may end at any moment.
        try {
            system::stop(machine_, each.service, record_->phase_here(), never);
        } catch (const base::Error& error) {
            base::log_warning("{}", error.what());
        }
    }
    try {
        system::start(machine_, each.service, record_->phase_here(), never);
    } catch (const base::Error&) {
        if (!active()) throw;
    }
}

std::vector<std::string> StoppedServices::start_again() {
    if (!record_) return {};
    std::vector<std::string> failures;
    std::vector<StoppedService> failed;
    std::string no_phase;
    if (record_->side == Side::destination) {
        std::vector<system::ServiceDescription> all;
        for (const StoppedService& each : record_->services) {
            if (record_->wanted(each)) all.push_back(each.service);
        }
        try {
            base::Cancellation never;
            system::show_phase_to_units(machine_, all, record_->phase_here(), never);
        } catch (const base::Error& error) {
            no_phase = error.what();
        }
    }
    for (auto each = record_->services.rbegin(); each != record_->services.rend(); ++each) {
        if (!record_->wanted(*each)) continue;
        try {
            // A unit that takes a rehearsal for the real thing might do harm.
            if (!no_phase.empty() && !each->service.unit.empty()) {
                throw base::Error{
                    base::ErrorKind::command,
                    fmt::format("service {}: start: {}", base::escape(each->service.name), no_phase)};
            }
            start_one(*each);
        } catch (const base::Error& error) {
            failures.emplace_back(error.what());
            console_.warn(failures.back());
            each->state = ServiceState::stopped;
            failed.insert(failed.begin(), *each);
        }
    }
    try {
        if (failed.empty()) {
            record_.reset();
            remove_stopped(state_);
        } else {
            record_->services = std::move(failed);
            write_stopped(state_, *record_);
        }
    } catch (const base::Error& error) {  // at worst the next start finds them active
        base::log_warning("{}", error.what());
    }
    return failures;
}

std::vector<std::string> StoppedServices::waiting() const {
    std::vector<std::string> names;
    if (!record_) return names;
    for (const StoppedService& each : record_->services) {
        if (record_->wanted(each)) names.push_back(each.service.name);
    }
    return names;
}

std::vector<std::string> StoppedServices::off_in_rehearsal() const {
    std::vector<std::string> names;
    if (!record_ || (!record_->committed && !record_->taken_back)) return names;
    for (const StoppedService& each : record_->services) {
        const bool was_on = record_->committed || each.state != ServiceState::off;
        if (was_on && !record_->wanted(each)) names.push_back(each.service.name);
    }
    return names;
}

void want_services_of(os::Directory& state, const std::string& run_id) {
    auto record = read_stopped(state);
    if (!record || record->side != Side::destination || record->run_id != run_id) return;
    record->committed = true;
    write_stopped(state, *record);
}

void tell_services_of_undo(os::Directory& state, const std::string& run_id, system::Phase before) {
    auto record = read_stopped(state);
    if (!record || record->side != Side::destination || record->run_id != run_id) return;
    record->phase_before = before;
    record->taken_back = true;
    write_stopped(state, *record);
}

bool start_what_was_stopped(os::Machine& machine, os::Directory& state, ui::Console& console) {
    StoppedServices services{machine, state, console};
    const auto waiting = services.waiting();
    if (!waiting.empty()) {
        console.say(fmt::format("An earlier run left services stopped: starting {}.", joined(waiting)));
    }
    const auto off = services.off_in_rehearsal();
    services.start_again();
    if (!off.empty()) console.say(what_stays_off(off));
    return !waiting.empty();
}

}  // namespace ft::records
