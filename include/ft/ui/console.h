#pragma once

#include <chrono>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "ft/base/cancellation.h"
#include "ft/base/error.h"
#include "ft/os/machine.h"

namespace ft::ui {

/// What the admin, or the script, reads. Readable text goes to stdout and errors to stderr; with `json`,
/// stdout holds one JSON object a line (docs/json.md) and all talk goes to stderr. Everything said is in the
/// log too. Texts of others come escaped. Any thread.
class Console {
public:
    Console(os::Machine& machine, bool json);

    /// A line of text.
    void say(std::string_view line);
    /// A JSON line {"event": name, "time": ..., fields...}; nothing without --json.
    void event(std::string_view name, const nlohmann::json& fields);
    /// A phase begins: `name` for scripts ("pull"), `line` for people.
    void phase(std::string_view name, std::string_view line);
    /// Something that does not end the run but that the admin must know.
    void warn(std::string_view line);
    /// How far it is: replaces the last progress on a terminal; on a pipe a line now and then; the event
    /// always.
    void progress(std::string_view line, const nlohmann::json& fields);
    /// Where the log is, for fail.
    void set_log_path(const std::string& path) { log_path_ = path; }
    /// How it failed: the error's line, its details and advice, the state of this machine, the log and the
    /// status.
    void fail(const base::Error& error, std::string_view state_of_machine, int exit_status);

    bool can_ask() const { return machine_.terminal().can_ask(); }
    /// Terminal::ask.
    std::optional<std::string> ask(std::string_view question, bool secret, base::Cancellation& cancellation);

private:
    void write_text(std::string_view text);
    void clear_progress();

    os::Machine& machine_;
    const bool json_;
    const bool terminal_;
    std::mutex mutex_;
    std::string log_path_;
    std::size_t progress_width_ = 0;  // columns of the progress line that stands on the terminal
    std::chrono::steady_clock::time_point next_line_;
};

}  // namespace ft::ui
