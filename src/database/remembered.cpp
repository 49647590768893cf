#include "database/remembered.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include "ft/base/digest.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/database/database.h"

namespace ft::database {
namespace {

constexpr std::string_view kHead = "ft-restore 1";
constexpr std::size_t kFileLimit = 16 << 20;

/// Names the line by its key alone: the rest may hold a password.
[[noreturn]] void throw_damaged(const os::Directory& state, const std::string& file,
                                const std::string& line) {
    throw base::Error{base::ErrorKind::recovery,
                      fmt::format("{}/{}: not written by ft: {}", base::escape(state.path()),
                                  base::escape(file), base::escape(line.substr(0, line.find(' ')))),
                      "Drop what an unfinished restore left on the server, then remove this file."};
}

bool parse_line(const std::string& line, Remembered& what) try {
    const auto space = line.find(' ');
    if (space == std::string::npos) return false;
    const std::string key = line.substr(0, space);
    const std::string value = base::unescape(std::string_view{line}.substr(space + 1));
    if (key == "role") {
        what.roles.push_back(value);
        return !value.empty();
    }
    if (key == "database") {
        const char* const end = value.data() + value.size();
        const auto [rest, code] = std::from_chars(value.data(), end, what.oid);
        what.database = true;
        return code == std::errc{} && rest == end;
    }
    const std::map<std::string, std::string*> texts{
        {"name", &what.name}, {"server", &what.server}, {"os_user", &what.os_user}};
    const auto text = texts.find(key);
    if (text == texts.end()) return false;
    *text->second = value;
    return true;
} catch (const base::Error&) {
    return false;
}

bool is_remembering(const std::string& file) {
    return file.starts_with(kRestorePrefix) && !file.ends_with(".new");
}

}  // namespace

std::string file_of(const std::string& name) {
    return kRestorePrefix + base::digest_of(base::DigestKind::xxh128, base::as_bytes(name)).hex();
}

std::vector<std::string> remembering_files(const os::Directory& state) {
    std::vector<std::string> files;
    for (const auto& [name, inode] : state.list()) {
        if (is_remembering(name)) files.push_back(name);
    }
    std::sort(files.begin(), files.end());
    return files;
}

Remembered recall(const os::Directory& state, const std::string& file) {
    Remembered what;
    std::istringstream text{os::read_all(state, file, kFileLimit)};
    std::string line;
    if (!std::getline(text, line) || line != kHead) throw_damaged(state, file, line);
    while (std::getline(text, line)) {
        if (!parse_line(line, what)) throw_damaged(state, file, line);
    }
    if (file_of(what.name) != file) throw_damaged(state, file, "name");
    return what;
}

void remember(os::Directory& state, const Remembered& what) {
    const std::string file = file_of(what.name);
    if (!what.database && what.roles.empty()) {
        if (state.status(file)) state.remove(file);
        state.sync();
        return;
    }
    std::string text = fmt::format("{}\nname {}\nserver {}\nos_user {}\n", kHead, base::escape(what.name),
                                   base::escape(what.server), base::escape(what.os_user));
    if (what.database) text += fmt::format("database {}\n", what.oid);
    for (const std::string& role : what.roles) text += fmt::format("role {}\n", base::escape(role));
    os::write_whole(state, file, text);
}

void settle(os::Directory& state) {
    for (const auto& [name, inode] : state.list()) {
        if (name.starts_with(kRestorePrefix)) state.remove(name);
    }
    state.sync();
}

bool has_unfinished(const os::Directory& state) { return !remembering_files(state).empty(); }

}  // namespace ft::database
