#include "ft/cli/cli.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <string_view>

#include "cli/exit_status.h"
#include "cli/migrate_options.h"
#include "ft/base/cancellation.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/os/signals.h"
#include "ft/os/supervise.h"
#include "ft/ui/console.h"

namespace ft::cli {
namespace {

/// Memory that ends where a library may not throw. As after a kill: the next start finishes or takes back.
[[noreturn]] void abort_with_a_line() {
    constexpr std::string_view kLine =
        "ft: ended at once, because memory ended or by a fault in ft\n"
        "    Run the same command again: it finishes what was begun, or takes it back.\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kLine.data(), kLine.size());
    std::abort();
}

int finish(ExitStatus status) { return static_cast<int>(status); }

int fail(ui::Console& console, const base::Error& error, const char* unchanged) {
    const ExitStatus status = exit_status(error.kind());
    const char* state =
        status == ExitStatus::recovery ? "This server needs a person before it is used." : unchanged;
    console.fail(error, state, finish(status));
    return finish(status);
}

const char* as_before(const std::vector<std::string>& not_started) {
    return not_started.empty() ? "This system is as it was before." : "Everything else is as it was before.";
}

int work_as_source(os::Machine& machine, const migrate::SourceOptions& options, ui::Console& console) {
    base::Cancellation cancellation;
    migrate::SourceReport report;
    const auto failed = [&](const base::Error& error) {
        return fail(console, error, as_before(report.not_started));
    };
    try {
        const os::Signals signals{cancellation, true};
        migrate::source(machine, options, console, cancellation, report);
        return finish(ExitStatus::done);
    } catch (const base::Error& error) {
        return failed(error);
    } catch (const std::exception& error) {
        return failed(base::Error{base::ErrorKind::internal, base::escape(error.what())});
    }
}

/// The source works in a process of its own: who kills that one leaves this one to put everything back.
int run_command(os::Machine& machine, const migrate::SourceOptions& options, ui::Console& console) {
    const os::WorkerEnd end = os::supervise([&] { return work_as_source(machine, options, console); });
    if (!end.signal) return end.status;
    console.say(fmt::format("The source was ended by signal {}: cleaning up.", *end.signal));
    const auto not_started = migrate::clean_up_after_source(machine, options, console);
    return fail(
        console,
        base::Error{base::ErrorKind::internal, fmt::format("the source was ended by signal {}", *end.signal)},
        as_before(not_started));
}

/// A command that ends in a report. The loss of the SSH session does not take it along.
template <typename Report, typename Command>
int run_reporting(ui::Console& console, const char* unchanged, const Command& command) {
    base::Cancellation cancellation;
    const os::Signals signals{cancellation, false};
    Report report;
    const auto failed = [&](const base::Error& error) {
        if (error.kind() == base::ErrorKind::recovery) report.outcome = base::Outcome::recovery_needed;
        migrate::tell_result(report, &error, finish(exit_status(error.kind())), console);
        return fail(console, error, unchanged);
    };
    try {
        command(cancellation, report);
        const ExitStatus status =
            report.problems.empty() ? ExitStatus::done : ExitStatus::committed_with_trouble;
        migrate::tell_result(report, nullptr, finish(status), console);
        return finish(status);
    } catch (const base::Error& error) {
        return failed(error);
    } catch (const std::exception& error) {
        return failed(base::Error{base::ErrorKind::internal, base::escape(error.what())});
    }
}

int run_command(os::Machine& machine, const migrate::UndoOptions& options, ui::Console& console) {
    return run_reporting<migrate::UndoReport>(
        console, "This command changed nothing live on this server.",
        [&](base::Cancellation& cancellation, migrate::UndoReport& report) {
            migrate::undo(machine, options, console, cancellation, report);
        });
}

int run_command(os::Machine& machine, const migrate::DestinationOptions& options, ui::Console& console) {
    return run_reporting<migrate::Report>(console, "This run changed nothing on this server.",
                                          [&](base::Cancellation& cancellation, migrate::Report& report) {
                                              migrate::destination(machine, options, console, cancellation,
                                                                   report);
                                          });
}

int run_command(os::Machine& machine, const migrate::ServicesOptions& options, ui::Console& console) {
    base::Cancellation cancellation;
    const os::Signals signals{cancellation, true};
    migrate::start_services(machine, options, console, cancellation);
    return finish(ExitStatus::done);
}

/// A command that is short and must come to its end, as a commit must.
template <typename Command>
int run_to_its_end(ui::Console& console, const Command& command) {
    base::Cancellation cancellation;
    const auto told = cancellation.on_request(
        [&] { console.say("Signals do not end this command: it comes to its end by itself."); });
    const os::Signals signals{cancellation, false};
    command();
    return finish(ExitStatus::done);
}

int run_command(os::Machine& machine, const migrate::RecoverOptions& options, ui::Console& console) {
    return run_to_its_end(console, [&] { migrate::recover(machine, options, console); });
}

int run_command(os::Machine& machine, const migrate::DiscardOptions& options, ui::Console& console) {
    return run_to_its_end(console, [&] { migrate::discard(machine, options, console); });
}

int run_command(os::Machine& machine, const migrate::StatusOptions& options, ui::Console& console) {
    migrate::status(machine, options, console);
    return finish(ExitStatus::done);
}

}  // namespace

int run(os::Machine& machine, const std::vector<std::string>& arguments) {
    std::set_terminate(abort_with_a_line);
    Request request;
    try {
        request = parse(arguments);
    } catch (const base::Error& error) {
        ui::Console console{machine, false};
        return fail(console, error, "");
    } catch (const std::exception& error) {  // a working directory that is gone makes no path absolute
        ui::Console console{machine, false};
        return fail(console, base::Error{base::ErrorKind::internal, base::escape(error.what())}, "");
    }
    if (!request.text.empty()) {
        machine.terminal().write_out(request.text);
        return finish(ExitStatus::done);
    }
    ui::Console console{machine, request.json};
    try {
        return std::visit([&](const auto& options) { return run_command(machine, options, console); },
                          request.command);
    } catch (const base::Error& error) {
        return fail(console, error, "");
    } catch (const std::exception& error) {
        return fail(console, base::Error{base::ErrorKind::internal, base::escape(error.what())}, "");
    }
}

}  // namespace ft::cli
