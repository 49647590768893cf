#include "migrate/code.h"

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::migrate {
namespace {

using base::Error;
using base::ErrorKind;

constexpr std::size_t kLongestSecret = 4096;

struct Place {
    std::string directory;
    std::string name;
};

Place split(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

std::string trimmed_first_line(const std::string& text) {
    static constexpr const char* kBlank = " \t\r";
    const std::string line = text.substr(0, text.find('\n'));
    const std::size_t first = line.find_first_not_of(kBlank);
    return first == std::string::npos ? "" : line.substr(first, line.find_last_not_of(kBlank) - first + 1);
}

transport::PairingCode parse_code(const std::string& text, const std::string& where) {
    try {
        return transport::PairingCode::parse(text);
    } catch (const Error& error) {
        throw error.on(where);
    }
}

}  // namespace

std::optional<std::string> read_secret(os::Machine& machine, const std::string& path) {
    const Place place = split(path);
    std::unique_ptr<const os::Directory> directory;
    try {
        directory = machine.open_root_to_read(place.directory);
    } catch (const Error& error) {
        throw Error{ErrorKind::usage, error.what()};
    }
    const auto status = directory->status(place.name);
    if (!status) return std::nullopt;
    if ((status->attributes.mode & 077) != 0) {
        throw Error{ErrorKind::usage,
                    fmt::format("{}: others than its owner may read this secret", base::escape(path)),
                    fmt::format("chmod 600 {}", base::escape(path))};
    }
    return trimmed_first_line(os::read_all(*directory, place.name, kLongestSecret));
}

transport::PairingCode source_code(os::Machine& machine, const std::string& file) {
    const auto fill = [&](std::span<std::byte> into) { machine.fill_random(into); };
    if (file.empty()) return transport::PairingCode::generate(fill);
    if (const auto text = read_secret(machine, file)) return parse_code(*text, file);
    const auto code = transport::PairingCode::generate(fill);
    const Place place = split(file);
    os::write_whole(*machine.open_root(place.directory), place.name, code.text() + "\n");
    return code;
}

transport::PairingCode destination_code(os::Machine& machine, const std::string& file, ui::Console& console,
                                        base::Cancellation& cancellation) {
    static constexpr const char* kVariable = "FT_CODE";
    const auto variable = machine.environment(kVariable);
    machine.forget_environment(kVariable);
    if (!file.empty()) {
        const auto text = read_secret(machine, file);
        if (!text) throw Error{ErrorKind::usage, fmt::format("{}: no such file", base::escape(file))};
        return parse_code(*text, file);
    }
    if (variable) return parse_code(*variable, kVariable);
    if (!console.can_ask()) {
        throw Error{ErrorKind::usage, "no pairing code: there is no terminal to ask for it",
                    "Give it with --code-file FILE, or in the environment as FT_CODE."};
    }
    const auto answer = console.ask("Pairing code (the source shows it): ", true, cancellation);
    return parse_code(answer.value_or(""), "pairing code");
}

}  // namespace ft::migrate
