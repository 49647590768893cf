#include "ft/ui/console.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ft/base/log.h"
#include "ft/ui/format.h"

namespace ft::ui {
namespace {

constexpr std::chrono::seconds kBetweenLines{10};  // of progress on a pipe

}  // namespace

Console::Console(os::Machine& machine, bool json)
    : machine_{machine}, json_{json}, terminal_{!json && machine.terminal().out_is_terminal()} {}

void Console::write_text(std::string_view text) {
    if (json_) {
        machine_.terminal().write_error(text);
    } else {
        machine_.terminal().write_out(text);
    }
}

void Console::clear_progress() {
    if (progress_width_ == 0) return;
    write_text("\r" + std::string(progress_width_, ' ') + "\r");
    progress_width_ = 0;
}

void Console::say(std::string_view line) {
    const std::lock_guard lock{mutex_};
    clear_progress();
    write_text(std::string{line} + "\n");
    base::log_info("{}", line);
}

void Console::event(std::string_view name, const nlohmann::json& fields) {
    if (!json_) return;
    nlohmann::ordered_json object;
    object["event"] = name;
    object["time"] = time(machine_.clock().wall_seconds());
    for (const auto& [key, value] : fields.items()) object[key] = value;
    const std::lock_guard lock{mutex_};
    machine_.terminal().write_out(object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
                                  "\n");
}

void Console::phase(std::string_view name, std::string_view line) {
    say(line);
    event("phase", {{"phase", name}});
}

void Console::warn(std::string_view line) {
    say(fmt::format("Warning: {}", line));
    event("warning", {{"message", line}});
}

void Console::progress(std::string_view line, const nlohmann::json& fields) {
    event("progress", fields);
    const std::lock_guard lock{mutex_};
    if (terminal_) {
        clear_progress();
        const std::size_t room = std::max(machine_.terminal().columns(), 2u) - 1;
        const std::string_view shown = line.substr(0, room);
        write_text(shown);
        progress_width_ = shown.size();
        return;
    }
    const auto now = machine_.clock().now();
    if (now < next_line_) return;
    next_line_ = now + kBetweenLines;
    write_text(std::string{line} + "\n");
}

void Console::fail(const base::Error& error, std::string_view state_of_machine, int exit_status) {
    const std::lock_guard lock{mutex_};
    clear_progress();
    std::string text = fmt::format("ft: {}\n", error.what());
    for (const std::string& detail : error.details()) text += fmt::format("    - {}\n", detail);
    if (!error.advice().empty()) text += fmt::format("    {}\n", error.advice());
    const std::string log = log_path_.empty() ? "" : fmt::format("Log: {} ", log_path_);
    text += fmt::format("    {}{}{}(exit status {})\n", state_of_machine, state_of_machine.empty() ? "" : " ",
                        log, exit_status);
    machine_.terminal().write_error(text);
    base::write_log(base::LogLevel::error, text);
}

std::optional<std::string> Console::ask(std::string_view question, bool secret,
                                        base::Cancellation& cancellation) {
    {
        const std::lock_guard lock{mutex_};
        clear_progress();
    }
    return machine_.terminal().ask(question, secret, cancellation);
}

}  // namespace ft::ui
