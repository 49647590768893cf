#include "database/remembered.h"

#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "ft/base/digest.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/database/database.h"

namespace ft::database {
namespace {

constexpr std::string_view kHead = "ft-restore 1";
constexpr std::string_view kDatabase = "database ";
constexpr std::string_view kRole = "role ";
constexpr std::size_t kFileLimit = 16 << 20;

std::string file_of(const std::string& database) {
    return kRestorePrefix + base::digest_of(base::DigestKind::xxh128, base::as_bytes(database)).hex();
}

[[noreturn]] void throw_damaged(const os::Directory& state, const std::string& file,
                                const std::string& line) {
    throw base::Error{
        base::ErrorKind::recovery,
        fmt::format("{}/{}: not written by ft: {}", base::escape(state.path()), file, base::escape(line)),
        "Drop what an unfinished restore left on the server, then remove this file."};
}

bool parse_line(const std::string& line, Remembered& what) try {
    if (line.starts_with(kRole)) {
        what.roles.push_back(base::unescape(std::string_view{line}.substr(kRole.size())));
        return !what.roles.back().empty();
    }
    if (!line.starts_with(kDatabase)) return false;
    const char* const end = line.data() + line.size();
    const auto [rest, code] = std::from_chars(line.data() + kDatabase.size(), end, what.oid);
    what.database = true;
    return code == std::errc{} && rest == end;
} catch (const base::Error&) {
    return false;
}

}  // namespace

Remembered recall(const os::Directory& state, const std::string& database) {
    const std::string file = file_of(database);
    Remembered what;
    if (!state.status(file)) return what;
    std::istringstream text{os::read_all(state, file, kFileLimit)};
    std::string line;
    if (!std::getline(text, line) || line != kHead) throw_damaged(state, file, line);
    while (std::getline(text, line)) {
        if (!parse_line(line, what)) throw_damaged(state, file, line);
    }
    return what;
}

void remember(os::Directory& state, const std::string& database, const Remembered& what) {
    const std::string file = file_of(database);
    if (what == Remembered{}) {
        if (state.status(file)) state.remove(file);
        state.sync();
        return;
    }
    std::string text = fmt::format("{}\n", kHead);
    if (what.database) text += fmt::format("{}{}\n", kDatabase, what.oid);
    for (const std::string& role : what.roles) text += fmt::format("{}{}\n", kRole, base::escape(role));
    os::write_whole(state, file, text);
}

void settle(os::Directory& state) {
    for (const auto& [name, inode] : state.list()) {
        if (name.starts_with(kRestorePrefix)) state.remove(name);
    }
    state.sync();
}

bool has_unfinished(const os::Directory& state) {
    for (const auto& [name, inode] : state.list()) {
        if (name.starts_with(kRestorePrefix)) return true;
    }
    return false;
}

}  // namespace ft::database
