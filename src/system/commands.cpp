#include "ft/system/commands.h"

#include <fmt/format.h>

#include <string_view>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"

namespace ft::system {
namespace {

constexpr int kSignalled = 128;           // and above: ended by a signal
constexpr std::size_t kShownBytes = 300;  // of a line in a message

struct Said {
    int status = 0;
    std::string output;
    std::string last_line;
};

Said run_and_listen(os::Machine& machine, const Program& program, base::Cancellation& cancellation) {
    Said said;
    const auto hear = [&](std::string_view line) {
        if (line.empty()) return;
        base::log_info("{}: {}", program.what, base::escape(line));
        said.last_line = base::escape(line.substr(0, kShownBytes));
    };
    os::Command command;
    command.arguments = program.argv;
    command.environment = program.environment;
    command.time_limit = program.time_limit;
    base::log_info("{}: {}", program.what, base::escape(fmt::format("{}", fmt::join(program.argv, " "))));
    os::Finished finished;
    try {
        finished = machine.processes().run(command, cancellation, hear);
    } catch (const base::Error& error) {
        if (error.kind() == base::ErrorKind::cancelled) throw;
        throw base::Error{base::ErrorKind::command, fmt::format("{}: {}", program.what, error.what()),
                          error.advice()};
    }
    const std::string on_error_stream = said.last_line;
    for (std::string_view left = finished.output; !left.empty();) {
        const std::string_view line = left.substr(0, left.find('\n'));
        left.remove_prefix(std::min(line.size() + 1, left.size()));
        hear(line);
    }
    if (!on_error_stream.empty()) said.last_line = on_error_stream;
    if (finished.timed_out) {
        throw base::Error{
            base::ErrorKind::command,
            fmt::format("{}: did not end within {} s", program.what,
                        std::chrono::duration_cast<std::chrono::seconds>(program.time_limit).count())};
    }
    if (finished.status >= kSignalled) {
        throw base::Error{base::ErrorKind::command,
                          fmt::format("{}: ended by signal {}", program.what, finished.status - kSignalled)};
    }
    said.status = finished.status;
    said.output = std::move(finished.output);
    return said;
}

}  // namespace

int run(os::Machine& machine, const Program& program, base::Cancellation& cancellation) {
    return run_and_listen(machine, program, cancellation).status;
}

Answer ask(os::Machine& machine, const Program& program, base::Cancellation& cancellation) {
    Said said = run_and_listen(machine, program, cancellation);
    return {said.status, std::move(said.output)};
}

void require(os::Machine& machine, const Program& program, base::Cancellation& cancellation) {
    const Said said = run_and_listen(machine, program, cancellation);
    if (said.status == 0) return;
    throw base::Error{base::ErrorKind::command,
                      fmt::format("{}: exit status {}{}{}", program.what, said.status,
                                  said.last_line.empty() ? "" : ": ", said.last_line),
                      "The log has all that it said."};
}

}  // namespace ft::system
