#include "ft/system/public_hostname.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <sstream>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "system/located_json.h"

namespace ft::system {
namespace {

using nlohmann::json;

constexpr std::size_t kLargestFile = 16 * 1024 * 1024;
constexpr std::size_t kLongestLine = 4096;  // std::regex needs stack in proportion

std::optional<std::string> at_pointer(const std::string& text, const std::string& pointer,
                                      const std::string& where) {
    const LocatedJson located{text};
    if (!located.faults().empty()) {
        const LocatedJson::Fault& fault = located.faults().front();
        throw base::Error{base::ErrorKind::unfit,
                          fmt::format("{}: line {}: {}", where, fault.line, base::escape(fault.message))};
    }
    try {
        const json& value = located.value().at(json::json_pointer{pointer});
        if (value.is_string()) return value.get<std::string>();
    } catch (const json::exception&) {  // a part of the way is missing, or no index
    }
    return std::nullopt;
}

std::optional<std::string> at_pattern(const std::string& text, const std::string& pattern) {
    const std::regex expression{pattern};
    std::istringstream lines{text};
    std::string line;
    while (std::getline(lines, line)) {
        if (line.ends_with('\r')) line.pop_back();
        std::smatch found;
        if (line.size() <= kLongestLine && std::regex_search(line, found, expression)) return found[1].str();
    }
    return std::nullopt;
}

std::string read(os::Machine& machine, const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const auto directory = machine.open_root_to_read(slash == 0 ? "/" : path.substr(0, slash));
    return os::read_all(*directory, path.substr(slash + 1), kLargestFile);
}

}  // namespace

std::string require_host_name(const std::string& text, const std::string& where) {
    constexpr const char* kBlanks = " \t\r\n";
    const std::size_t begin = text.find_first_not_of(kBlanks);
    const std::string name =
        begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
    if (name.empty()) throw base::Error{base::ErrorKind::unfit, where + " is empty"};
    const std::string fault = fault_of_host_name(name);
    if (fault.empty()) return name;
    throw base::Error{base::ErrorKind::unfit,
                      fmt::format("{} is \"{}\": it {}", where, base::escape(name.substr(0, 300)), fault)};
}

std::string public_hostname_of_file(os::Machine& machine, const Description& system,
                                    const PublicHostname& name) {
    const std::string path = system.below_root(name.file);
    const std::string shown = base::escape(path);
    const bool json = !name.pointer.empty();
    const std::string text = read(machine, path);
    const auto value = json ? at_pointer(text, name.pointer, shown) : at_pattern(text, name.pattern);
    const std::string key = base::escape(json ? name.pointer : name.pattern);
    if (!value) {
        throw base::Error{base::ErrorKind::unfit,
                          fmt::format("{}: {} {}", shown, json ? "has no text at" : "no line fits", key)};
    }
    return require_host_name(*value, fmt::format("{}: what {} {}", shown, json ? "stands at" : "fits", key));
}

}  // namespace ft::system
