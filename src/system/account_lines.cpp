#include "system/account_lines.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <optional>

#include "ft/base/escape.h"

namespace ft::system {
namespace {

constexpr std::uint64_t kLargestId = 0xffff'fffe;  // the last number means "none" to the kernel

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (true) {
        const std::size_t at = text.find(separator);
        parts.emplace_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

std::optional<std::uint64_t> number(const std::string& text, std::uint64_t highest) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, code] = std::from_chars(text.data(), end, value);
    if (code != std::errc{} || stopped != end || value > highest) return std::nullopt;
    return value;
}

bool fill(NumberedLine& line, bool user) {
    const auto id = number(line.fields[kIdField], kLargestId);
    const auto group = user ? number(line.fields[kUserGroupField], kLargestId) : std::uint64_t{0};
    if (!id || !group) return false;
    line.id = static_cast<std::uint32_t>(*id);
    line.group = static_cast<std::uint32_t>(*group);
    return true;
}

bool fill(RangeLine& line) {
    const auto start = number(line.fields[1], kLargestId);
    const auto count = number(line.fields[2], kLargestId + 1);
    if (!start || !count || *start + *count > kLargestId + 1) return false;
    line.start = *start;
    line.count = *count;
    return true;
}

/// What a file's lines look like.
struct Form {
    const char* path;
    std::size_t fewest;  // fields
    std::size_t most;
    bool unique;  // a name has one line
};

template <typename Line, typename Fill>
ParsedFile<Line> parse_file(const std::vector<std::string>& lines, const Form& form, const Fill& fill_in) {
    ParsedFile<Line> file;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const std::string& text = lines[i];
        if (text.find_first_not_of(" \t") == std::string::npos || text.starts_with('#')) {
            file.others.push_back(text);
            continue;
        }
        Line line;
        line.fields = split(text, ':');
        // "+" and "-" are not names but take in what NIS has.
        const bool named = !line.name().empty() && !text.starts_with('+') && !text.starts_with('-');
        const bool whole = line.fields.size() >= form.fewest && line.fields.size() <= form.most;
        if (!named || !whole || !fill_in(line)) {
            // Not shown: it may hold a password.
            file.faults.push_back(
                fmt::format("{}, line {}: is not as the lines of this file are", form.path, i + 1));
            file.others.push_back(text);
        } else if (form.unique && !file.by_name.emplace(line.name(), file.lines.size()).second) {
            file.repeated.push_back(fmt::format("{}, line {}: an earlier line has the name {}: left out",
                                                form.path, i + 1, base::escape(line.name())));
        } else {
            file.lines.push_back(std::move(line));
        }
    }
    return file;
}

}  // namespace

std::string AccountLine::text() const { return fmt::format("{}", fmt::join(fields, ":")); }

ParsedAccounts parse(const AccountFiles& files) {
    const auto plain = [](const AccountLine&) { return true; };
    const auto range = [](RangeLine& line) { return fill(line); };
    const auto user = [](NumberedLine& line) { return fill(line, true); };
    const auto group = [](NumberedLine& line) { return fill(line, false); };
    return {
        .users = parse_file<NumberedLine>(files.passwd, {"/etc/passwd", 7, 7, true}, user),
        .shadow = parse_file<AccountLine>(files.shadow, {"/etc/shadow", 2, 9, true}, plain),
        .groups = parse_file<NumberedLine>(files.group, {"/etc/group", 4, 4, true}, group),
        .gshadow = parse_file<AccountLine>(files.gshadow, {"/etc/gshadow", 4, 4, true}, plain),
        .subuid = parse_file<RangeLine>(files.subuid, {"/etc/subuid", 3, 3, false}, range),
        .subgid = parse_file<RangeLine>(files.subgid, {"/etc/subgid", 3, 3, false}, range),
    };
}

std::vector<std::string> ParsedAccounts::faults() const {
    std::vector<std::string> all;
    const auto add = [&](const auto& file) { all.insert(all.end(), file.faults.begin(), file.faults.end()); };
    add(users);
    add(shadow);
    add(groups);
    add(gshadow);
    add(subuid);
    add(subgid);
    return all;
}

std::vector<std::string> ParsedAccounts::repeated() const {
    std::vector<std::string> all;
    const auto add = [&](const auto& file) {
        all.insert(all.end(), file.repeated.begin(), file.repeated.end());
    };
    add(users);
    add(shadow);
    add(groups);
    add(gshadow);
    return all;
}

std::vector<std::string> split_members(std::string_view text) {
    std::vector<std::string> members = split(text, ',');
    std::erase(members, "");
    return members;
}

std::string join_members(const std::vector<std::string>& members) {
    return fmt::format("{}", fmt::join(members, ","));
}

}  // namespace ft::system
