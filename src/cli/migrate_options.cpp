#include "cli/migrate_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "cli/here_commands.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::cli {
namespace {

constexpr const char* kMainHeader =
    R"(ft moves a self-hosted system (PostgreSQL databases, file trees) to a new server.

  On the old server:  ft migrate --source
  On the new server:  ft migrate --destination OLD

Run it as often as you want: only what changed is copied, and a run ends either as an
exact replica or with nothing changed.)";

constexpr const char* kMigrateHeader = R"(Moves the system that system.json describes.

  ft migrate --source                       on the old server: makes a backup, prints a pairing
                                            code and serves until Ctrl-C
  ft migrate --destination old.example.com  on the new server: becomes a replica of the old one
)";

constexpr const char* kStatusFooter = R"(Exit status:
  0 done                             6 no space, or no permission
  1 failed, nothing changed          7 what came is not equal to the source
  2 wrong arguments or system.json   8 interrupted, nothing changed
  3 a check refused                  9 another run goes on
  4 no connection                   10 committed, but something failed after it
  5 the source failed or stopped    11 recovery needs a person
Any status but 0, 10 and 11 means that nothing live was changed.)";

[[noreturn]] void refuse(const std::string& message) {
    throw base::Error{base::ErrorKind::usage, message, "See: ft --help, ft migrate --help"};
}

const CLI::Option* first_given(const std::vector<CLI::Option*>& options) {
    const auto given =
        std::find_if(options.begin(), options.end(), [](const auto* option) { return option->count() > 0; });
    return given == options.end() ? nullptr : *given;
}

/// "90", "90s", "10m" or "1h"; nothing for anything else, and for more than a week.
std::optional<std::chrono::seconds> to_duration(std::string_view text) {
    constexpr std::chrono::seconds kMost = std::chrono::hours{24 * 7};
    std::uint32_t number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (fault != std::errc{}) return std::nullopt;
    const std::string_view unit{end, text.data() + text.size()};
    std::chrono::seconds result{number};
    if (unit == "m") {
        result *= 60;
    } else if (unit == "h") {
        result *= 3600;
    } else if (!unit.empty() && unit != "s") {
        return std::nullopt;
    }
    return result <= kMost ? std::optional{result} : std::nullopt;
}

/// Bytes a second: "500K", "10M", "1G"; nothing for anything else, and for less than 1K or more than 1000G.
std::optional<std::uint64_t> to_rate(std::string_view text) {
    constexpr std::uint64_t kLeast = 1000;
    constexpr std::uint64_t kMost = kLeast * kLeast * kLeast * kLeast;
    std::uint32_t number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (fault != std::errc{}) return std::nullopt;
    const std::string_view unit{end, text.data() + text.size()};
    std::uint64_t rate = number;
    for (const std::string_view each : {"K", "M", "G"}) {
        rate *= kLeast;
        if (unit == each) return rate >= kLeast && rate <= kMost ? std::optional{rate} : std::nullopt;
    }
    return std::nullopt;
}

const std::map<std::string, migrate::Compress> kCompress = {{"auto", migrate::Compress::automatic},
                                                            {"zstd", migrate::Compress::zstd},
                                                            {"none", migrate::Compress::none}};

const std::map<std::string, bool> kVerify = {{"quick", false}, {"full", true}};

}  // namespace

Request parse(const std::vector<std::string>& arguments) {
    bool as_source = false;
    bool stop_traffic = false;
    bool keep_traffic = false;
    std::string destination;
    CommonOptions common;
    std::string code_file;
    std::uint16_t port = 873;
    migrate::SourceOptions source;
    std::string retry_for = "10m";
    std::string rate;
    std::string compress = "auto";
    std::string verify = "quick";
    migrate::DestinationOptions target;

    CLI::App app{kMainHeader, "ft"};
    app.set_version_flag("--version", "ft " FT_VERSION);
    app.footer(kStatusFooter);
    CLI::App* command = app.add_subcommand("migrate", "Moves the system to a new server");
    command->description(kMigrateHeader);
    command->footer(kStatusFooter);
    auto* source_flag = command->add_flag("--source", as_source, "This is the old server: serve it");
    auto* destination_option =
        command
            ->add_option("--destination", destination, "This is the new server: become a replica of this one")
            ->type_name("HOST[:PORT]");
    source_flag->excludes(destination_option);
    add_common(*command, common);
    command
        ->add_option(
            "--code-file", code_file,
            "The pairing code is in FILE (source: made when missing; destination: else FT_CODE, or asked)")
        ->type_name("FILE");
    std::vector<CLI::Option*> for_source = {
        command->add_option("--listen", source.listen, "Listen on this address only")->type_name("ADDRESS"),
        command->add_option("--port", port, "Listen on this port")->type_name("PORT")->capture_default_str(),
        command->add_flag("--keep-traffic", keep_traffic, "Production goes on: runs are rehearsals"),
        command->add_flag("--stop-traffic", stop_traffic,
                          "Production is stopped until the end: runs are final"),
        command->add_option("--allow-plain", source.plain_user, "Serve stock rsync clients too, as this user")
            ->type_name("USER"),
        command
            ->add_option("--plain-secret-file", source.plain_secret_file, "Their secret: first line of FILE")
            ->type_name("FILE"),
        command->add_flag("--allow-final", source.allow_final,
                          "The destination may have production stopped (--final there)"),
    };
    for_source[3]->excludes(for_source[2]);
    for_source[4]->needs(for_source[5]);
    for_source[5]->needs(for_source[4]);
    const std::vector<CLI::Option*> for_destination = {
        command->add_flag("--yes", target.yes, "Replace what is here without asking"),
        command->add_flag("--no-undo{false}", target.keep_undo,
                          "Do not keep what is replaced: it cannot be taken back (ft undo)"),
        command->add_flag("--final", target.final_run,
                          "Fetch while production goes on, then have the source stop it and fetch the rest"),
        command
            ->add_option("--max-delete", target.max_delete,
                         "Refuse to remove more of the files of a tree that has more than 100")
            ->type_name("PERCENT")
            ->check(CLI::Range(0, 100))
            ->capture_default_str(),
        command->add_option("--compress", compress, "Content travels compressed (auto: over slow links)")
            ->type_name("auto|zstd|none")
            ->check(CLI::IsMember(kCompress).description(""))
            ->capture_default_str(),
        command
            ->add_option("--verify", verify,
                         "Compare files by size and time (quick), or read all on both sides (full)")
            ->type_name("quick|full")
            ->check(CLI::IsMember(kVerify).description(""))
            ->capture_default_str(),
        command->add_option("--bwlimit", rate, "Fetch no more than so many bytes a second (500K, 10M, 1G)")
            ->type_name("RATE")
            ->check([](const std::string& text) {
                return to_rate(text) ? "" : text + " is no rate: write 500K, 10M or 1G bytes a second";
            }),
        command
            ->add_option("--retry-for", retry_for,
                         "Try so long to connect again when a connection is lost (90s, 10m, 1h; 0: never)")
            ->type_name("TIME")
            ->check([](const std::string& text) {
                return to_duration(text) ? "" : text + " is no time: write 90s, 10m or 1h, a week at most";
            })
            ->capture_default_str(),
    };

    const HereCommands here{app, common};

    Request request;
    try {
        std::vector<std::string> reversed{arguments.rbegin(), arguments.rend()};
        app.parse(reversed);
    } catch (const CLI::CallForHelp&) {
        const CLI::App* asked = command->parsed() ? command : here.given() != nullptr ? here.given() : &app;
        request.text = asked->help(asked == &app ? "" : "ft");
        return request;
    } catch (const CLI::CallForVersion&) {
        request.text = "ft " FT_VERSION "\n";
        return request;
    } catch (const CLI::ParseError& error) {
        refuse(base::escape(error.what()));
    }
    request.json = common.json;
    if (here.given() != nullptr) {
        if (app.get_subcommands().size() > 1) refuse("one command at a time");
        request.command = here.request();
        return request;
    }
    if (!command->parsed()) refuse("no command");
    if (!as_source && destination.empty()) refuse("either --source or --destination HOST is needed");
    if (as_source) {
        if (const auto* given = first_given(for_destination))
            refuse(fmt::format("{} is for the destination", given->get_name()));
        source.system_file = absolute(common.system_file);
        source.root = absolute(common.root);
        source.code_file = absolute(code_file);
        source.plain_secret_file = absolute(source.plain_secret_file);
        source.port = port;
        if (stop_traffic || keep_traffic) source.stop_traffic = stop_traffic;
        request.command = source;
        return request;
    }
    if (const auto* given = first_given(for_source))
        refuse(fmt::format("{} is for the source", given->get_name()));
    target.address = destination;
    target.system_file = absolute(common.system_file);
    target.root = absolute(common.root);
    target.code_file = absolute(code_file);
    target.retry_for = *to_duration(retry_for);
    target.compress = kCompress.at(compress);
    target.verify_content = kVerify.at(verify);
    if (!rate.empty()) target.rate = *to_rate(rate);
    request.command = target;
    return request;
}

}  // namespace ft::cli
