#include "ft/system/description.h"

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "system/description_reader.h"
#include "system/located_json.h"
#include "system/paths.h"

namespace ft::system {
namespace {

constexpr std::size_t kLargestFile = 16 * 1024 * 1024;

std::string require_absolute(const std::string& path, const char* what) {
    const auto result = normalised(path);
    if (result) return *result;
    throw base::Error{
        base::ErrorKind::usage,
        fmt::format("{} \"{}\": must be an absolute path without \"..\"", what, base::escape(path))};
}

}  // namespace

std::string Description::below_root(const std::string& path) const {
    if (root == "/") return path;
    return path == "/" ? root : root + path;
}

std::map<std::string, std::string> Description::connection(os::Machine& machine,
                                                           const DatabaseDescription& database,
                                                           const std::string& dbname) const {
    std::map<std::string, std::string> result = database.connection;
    result["dbname"] = dbname;
    const auto host = result.find("host");
    if (root == "/" || host == result.end() || !host->second.starts_with('/')) return result;
    try {
        machine.open_root_to_read(below_root(host->second));
        host->second = below_root(host->second);
    } catch (const base::Error& error) {
        if (error.kind() != base::ErrorKind::io) throw;  // none there: a cluster outside of the root is meant
    }
    return result;
}

Description load(os::Machine& machine, const std::string& file, const std::string& root) {
    const std::string path = require_absolute(file, "system file");
    const std::size_t slash = path.rfind('/');
    std::string text;
    try {
        const auto directory = machine.open_root_to_read(slash == 0 ? "/" : path.substr(0, slash));
        text = os::read_all(*directory, path.substr(slash + 1), kLargestFile);
    } catch (const base::Error& error) {
        if (error.kind() == base::ErrorKind::cancelled) throw;
        throw base::Error{base::ErrorKind::usage, error.what(),
                          "Describe the system there, or name another file with --system."};
    }
    return parse_description(text, path, root);
}

Description parse_description(const std::string& text, const std::string& shown, const std::string& root) {
    const LocatedJson json{text};
    DescriptionReader reader{json};
    Description system = reader.read();
    system.root = require_absolute(root, "root");
    const std::vector<std::string> findings = reader.findings();
    if (findings.empty()) return system;
    throw base::Error{base::ErrorKind::usage,
                      fmt::format("{}: {} {}", base::escape(shown), findings.size(),
                                  findings.size() == 1 ? "mistake" : "mistakes"),
                      "Correct what is listed, then run the same command again."}
        .with_details(findings);
}

}  // namespace ft::system
