#include "database/tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"

namespace ft::database {
namespace {

int leading_number(std::string_view text) {
    int number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// Directories of installed versions, by major version, as Debian and the PGDG packages of Red Hat name them.
std::map<int, std::string> installed(os::Machine& machine, const std::string& name) {
    struct Family {
        const char* parent;
        std::string_view prefix;
    };
    std::map<int, std::string> programs;
    for (const Family family : {Family{"/usr/lib/postgresql", ""}, Family{"/usr", "pgsql-"}}) {
        try {
            const auto directory = machine.open_root_to_read(family.parent);
            for (const auto& version : directory->list()) {
                if (!version.name.starts_with(family.prefix)) continue;
                const int major = leading_number(std::string_view{version.name}.substr(family.prefix.size()));
                const std::string program = version.name + "/bin/" + name;
                if (major > 0 && directory->status(program)) {
                    programs[major] = std::string{family.parent} + "/" + program;
                }
            }
        } catch (const base::Error&) {
            continue;  // no such family on this machine
        }
    }
    return programs;
}

/// "pg_dump (PostgreSQL) 15.20 (Debian ...)" -> 150020; 0 when it reads otherwise.
int version_number(std::string_view line) {
    constexpr std::string_view kLabel = "(PostgreSQL) ";
    const auto found = line.find(kLabel);
    if (found == std::string_view::npos) return 0;
    const std::string_view text = line.substr(found + kLabel.size());
    const int major = leading_number(text);
    const auto dot = text.substr(0, text.find(' ')).find('.');
    return major * 10000 + (dot == std::string_view::npos ? 0 : leading_number(text.substr(dot + 1)));
}

/// The line of a tool's errors that says what is wrong, without its name.
std::string told(const std::string& errors) {
    constexpr std::string_view kLabel = "error: ";
    const auto found = errors.find(kLabel);
    return shown(found == std::string::npos ? errors : errors.substr(found + kLabel.size()));
}

}  // namespace

Tool find_tool(os::Machine& machine, const std::string& name, int major, base::Cancellation& cancellation) {
    // Not by PATH alone: what Debian has there chooses a version by the machine's own clusters.
    const auto programs = installed(machine, name);
    Tool tool{name, 0};
    if (const auto exact = programs.find(major); exact != programs.end()) {
        tool.program = exact->second;
    } else if (!programs.empty()) {
        tool.program = programs.rbegin()->second;
    }
    os::Command command;
    command.arguments = {tool.program, "--version"};
    const os::Finished finished = machine.processes().run(command, cancellation);
    tool.version = version_number(finished.output);
    if (finished.status != 0 || tool.version == 0) {
        throw base::Error{base::ErrorKind::unfit,
                          fmt::format("{} does not run: {}", tool.program, told(finished.errors)),
                          "Install PostgreSQL's client programs."};
    }
    return tool;
}

std::string tool_fault(const std::string& name, const Tool& tool) {
    // First minor releases without the faults by which a dump's content runs code (threat model, D3 and D5).
    static const std::map<int, int> kSafeDump{{12, 20}, {13, 16}, {14, 13}, {15, 8}, {16, 4}};
    static const std::map<int, int> kSafeRestore{{14, 25}, {15, 20}, {16, 16}, {17, 12}, {18, 7}};
    const auto& safe = name == "pg_dump" ? kSafeDump : kSafeRestore;
    const int major = tool.version / 10000;
    const auto wanted = safe.find(major);
    if (major > safe.rbegin()->first || (wanted != safe.end() && tool.version % 10000 >= wanted->second))
        return {};
    const auto first = wanted != safe.end() ? wanted : safe.begin();
    return fmt::format("{} {}.{} has known security faults: install {}.{} or later", name, major,
                       tool.version % 10000, first->first, first->second);
}

void run_tool(os::Machine& machine, const Tool& tool, std::vector<std::string> arguments, Keywords keywords,
              const std::string& os_user, const os::Directory& directory, base::Cancellation& cancellation) {
    os::Command command;
    // What is secret goes by the environment: everybody can read a process's arguments.
    if (const auto password = keywords.extract("password"))
        command.environment["PGPASSWORD"] = password.mapped();
    keywords.erase("sslpassword");  // has no variable: a key that needs it does not work here
    arguments.insert(arguments.begin(), tool.program);
    arguments.insert(arguments.begin() + 1, {"--no-password", "--dbname=" + conninfo(keywords)});
    command.arguments = std::move(arguments);
    command.user = os_user;
    command.working_directory = &directory;
    const os::Finished finished = machine.processes().run(
        command, cancellation, [](std::string_view line) { base::log_info("{}", shown(line)); });
    if (finished.status == 0) return;
    const auto name = tool.program.substr(tool.program.rfind('/') + 1);
    throw base::Error{base::ErrorKind::database,
                      finished.errors.empty() ? fmt::format("{} ended with status {}", name, finished.status)
                                              : fmt::format("{}: {}", name, told(finished.errors))};
}

}  // namespace ft::database
