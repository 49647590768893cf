#include "cli/here_commands.h"

#include <filesystem>

namespace ft::cli {
namespace {

struct Text {
    const char* name;
    const char* summary;
    const char* header;
    const char* footer;
};

constexpr Text kUndo{
    "undo", "Takes the last committed run back",
    R"(Takes back the last committed run that changed something: trees, databases, host files are put
back as they were before it. It says first what was changed here since, and asks.

  ft undo             on the new server: as it was before the last run
  ft undo --discard   frees what that needs; nothing can be taken back any more
)",
    R"(Exit status:
  0 taken back, or freed             8 interrupted or not confirmed, nothing changed
  1 failed, nothing changed          9 another command of ft works here
  2 wrong arguments or system.json  10 taken back, but something failed after it
  3 there is nothing to take back,  11 an interrupted commit or undo needs a person
    or it cannot be done
  6 no space, or no permission
Any status but 0, 10 and 11 means that nothing live was changed.)"};

constexpr Text kRecover{
    "recover", "Finishes what an interrupted command left",
    R"(Finishes or takes back a commit or an undo that was interrupted, removes what that replaced,
and starts services that wait. Every command but `ft status` does this first; this one does nothing else.
)",
    R"(Exit status:
  0 nothing is unfinished any more   6 no space, or no permission
  1 a database server is down        9 another command of ft works here
  2 wrong arguments or system.json  11 a person is needed: the line says for what)"};

constexpr Text kDiscard{
    "discard", "Frees what failed runs have staged",
    R"(Frees the files that failed runs have fetched. The next run fetches them again. What
`ft undo` needs stays.
)",
    R"(Exit status:
  0 done                             6 no space, no permission, or the disk failed
  1 a database server is down        9 another command of ft works here
  2 wrong arguments or system.json  11 an interrupted commit or undo needs a person
  3 a directory is not fit)"};

constexpr Text kStatus{
    "status", "Tells what ft holds here, and what waits",
    R"(Tells what ft does and holds on this machine: a command that works, an interrupted commit,
the last run and what its undo holds, staged files, services that are off. Changes nothing.
)",
    R"(Exit status:
  0 told: what could not be found out is among it
  2 wrong arguments or system.json
  6 the state directory cannot be read)"};

constexpr Text kStartServices{"start-services", "Starts every service of system.json that is not active",
                              R"(Starts every service of system.json that is not active, in reverse order.

  ft start-services   on the new server, after a rehearsal: what "rehearsal": "off" kept off, too
)",
                              R"(Exit status:
  0 all of them run                  9 a run goes on
  1 one did not start: it is named   11 recovery needs a person
  2 wrong arguments or system.json
What was started before an error, or before an interrupt (8), runs.)"};

CLI::App* add(CLI::App& app, CommonOptions& common, const Text& text) {
    CLI::App* command = app.add_subcommand(text.name, text.summary);
    command->description(text.header);
    command->footer(text.footer);
    add_common(*command, common);
    return command;
}

template <typename Options>
Options with(const CommonOptions& common, Options options = {}) {
    options.system_file = absolute(common.system_file);
    options.root = absolute(common.root);
    return options;
}

}  // namespace

void add_common(CLI::App& command, CommonOptions& common) {
    command.add_option("--system", common.system_file, "What the system is made of")
        ->type_name("FILE")
        ->capture_default_str();
    command.add_option("--root", common.root, "Place every path of system.json below DIR")
        ->type_name("DIR")
        ->capture_default_str();
    command.add_flag("--json", common.json, "One JSON object a line on stdout; talk on stderr");
}

std::string absolute(const std::string& path) {
    return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
}

HereCommands::HereCommands(CLI::App& app, CommonOptions& common)
    : common_{common},
      undo_{add(app, common, kUndo)},
      recover_{add(app, common, kRecover)},
      discard_{add(app, common, kDiscard)},
      status_{add(app, common, kStatus)},
      start_services_{add(app, common, kStartServices)} {
    undo_->add_flag("--yes", undo_options_.yes, "Take it back without asking");
    undo_->add_flag("--discard", undo_options_.discard, "Free what an undo needs, instead");
}

const CLI::App* HereCommands::given() const {
    for (const CLI::App* command : {undo_, recover_, discard_, status_, start_services_}) {
        if (command->parsed()) return command;
    }
    return nullptr;
}

Request::Command HereCommands::request() const {
    if (undo_->parsed()) return with(common_, undo_options_);
    if (recover_->parsed()) return with<migrate::RecoverOptions>(common_);
    if (discard_->parsed()) return with<migrate::DiscardOptions>(common_);
    if (status_->parsed()) return with<migrate::StatusOptions>(common_);
    return with<migrate::ServicesOptions>(common_);
}

}  // namespace ft::cli
