#include "system/subordinate_ids.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ft/base/escape.h"

namespace ft::system {
namespace {

constexpr std::uint64_t kLowest = 100'000;        // as SUB_UID_MIN of login.defs
constexpr std::uint64_t kEndOfIds = 0xffff'ffff;  // the last number means "none" to the kernel

bool overlap(const RangeLine& a, const RangeLine& b) { return a.start < b.end() && b.start < a.end(); }

bool overlaps_any(const RangeLine& range, const std::vector<RangeLine>& others) {
    return std::any_of(others.begin(), others.end(), [&](const RangeLine& o) { return overlap(range, o); });
}

void set_start(RangeLine& range, std::uint64_t start) {
    range.start = start;
    range.fields[1] = std::to_string(start);
}

/// The lowest place where nothing of `others` is; false when there is none.
bool move_to_free(RangeLine& range, const std::vector<RangeLine>& others) {
    std::set<std::uint64_t> starts{kLowest};
    for (const RangeLine& other : others) starts.insert(std::max(other.end(), kLowest));
    for (const std::uint64_t start : starts) {
        set_start(range, start);
        if (range.end() <= kEndOfIds && !overlaps_any(range, others)) return true;
    }
    return false;
}

}  // namespace

std::vector<std::string> merge_ranges(
    const ParsedFile<RangeLine>& source, const ParsedFile<RangeLine>& here,
    const std::function<std::optional<std::string>(const std::string& owner)>& come,
    const std::function<bool(const std::string& owner)>& stays, const char* path,
    std::vector<std::string>& warnings) {
    std::vector<RangeLine> coming;
    std::set<std::string> owners;
    for (RangeLine line : source.lines) {
        const auto owner = come(line.name());
        if (!owner) continue;
        line.fields.front() = *owner;
        owners.insert(*owner);
        const auto same = [&](const RangeLine& other) { return other.fields == line.fields; };
        if (std::none_of(coming.begin(), coming.end(), same)) coming.push_back(std::move(line));
    }
    std::vector<RangeLine> result;
    for (const RangeLine& line : here.lines) {
        if (!owners.contains(line.name()) && stays(line.name())) result.push_back(line);
    }

    std::vector<RangeLine> taken = result;
    for (const RangeLine& line : coming) {
        if (!overlaps_any(line, result)) taken.push_back(line);
    }
    const std::vector<RangeLine> ours = result;
    for (RangeLine& line : coming) {
        if (overlaps_any(line, ours)) {
            const RangeLine before = line;
            const std::string what =
                fmt::format("{}: the range {} of {}", path, before.fields[1], base::escape(before.name()));
            if (!move_to_free(line, taken)) {
                warnings.push_back(what + " overlaps one of this server, and none is free: left out");
                continue;
            }
            taken.push_back(line);
            warnings.push_back(
                fmt::format("{} overlaps one of this server and begins at {} here: files of "
                            "its numbers keep them",
                            what, line.start));
        }
        result.push_back(std::move(line));
    }
    std::vector<std::string> lines;
    lines.reserve(result.size() + here.others.size());
    for (const RangeLine& line : result) lines.push_back(line.text());
    lines.insert(lines.end(), here.others.begin(), here.others.end());
    return lines;
}

}  // namespace ft::system
