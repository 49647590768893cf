#include "ft/system/host_name.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

namespace ft::system {
namespace {

constexpr std::string_view kBlank = " \t\r";
constexpr std::string_view kOwnAddress =
    "127.0.1.1";  // where Debian has a machine's name that no network knows

std::string short_of(const std::string& name) { return name.substr(0, name.find('.')); }

std::string both(const std::string& name) {
    const std::string first = short_of(name);
    return first == name ? name : name + ' ' + first;
}

std::string lower(std::string_view text) {
    std::string result{text};
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

/// Lines with their newlines.
std::vector<std::string> lines_of(std::string_view content) {
    std::vector<std::string> lines;
    while (!content.empty()) {
        const std::size_t end = content.find('\n');
        const std::size_t length = end == std::string_view::npos ? content.size() : end + 1;
        lines.emplace_back(content.substr(0, length));
        content.remove_prefix(length);
    }
    return lines;
}

struct Word {
    std::size_t begin = 0;
    std::size_t end = 0;
};

/// The words of a line of /etc/hosts: an address, then names. None of them is in its comment.
std::vector<Word> words_of(const std::string& line) {
    const std::size_t all = std::min(line.find_first_of("#\n"), line.size());
    std::vector<Word> words;
    for (std::size_t at = 0; at < all;) {
        const std::size_t begin = line.find_first_not_of(kBlank, at);
        if (begin >= all) break;
        const std::size_t end = std::min({line.find_first_of(kBlank, begin), all, line.size()});
        words.push_back({begin, end});
        at = end;
    }
    return words;
}

std::string text(const std::string& line, const Word& word) {
    return lower(std::string_view{line}.substr(word.begin, word.end - word.begin));
}

bool is_localhost(const std::string& name) {
    const std::string first = short_of(name);
    return first == "localhost" || first == "localhost4" || first == "localhost6" || name.starts_with("ip6-");
}

bool has_name(const std::string& line, const std::string& name) {
    const std::vector<Word> words = words_of(line);
    return !words.empty() && std::any_of(words.begin() + 1, words.end(),
                                         [&](const Word& word) { return text(line, word) == lower(name); });
}

/// The first name that is the machine's becomes `names`, its others go. False when none is.
bool rename_in(std::string& line, const std::string& before, const std::string& names) {
    const std::string first = short_of(before);
    if (is_localhost(before) || (!has_name(line, before) && !has_name(line, first))) return false;
    // Beside its short name a line may have the full one, which /etc/hostname need not say.
    const auto is_ours = [&](const std::string& name) {
        return name == first || name.starts_with(first + '.');
    };
    std::vector<Word> ours;
    for (const Word& word : words_of(line)) {
        if (word.begin != words_of(line).front().begin && is_ours(text(line, word))) ours.push_back(word);
    }
    for (auto word = ours.rbegin(); word != ours.rend() - 1; ++word) {
        const std::size_t from = line.find_last_not_of(kBlank, word->begin - 1) + 1;
        line.erase(from, word->end - from);
    }
    line.replace(ours.front().begin, ours.front().end - ours.front().begin, names);
    return true;
}

}  // namespace

std::string host_name_in(const std::string& content) {
    for (const std::string& line : lines_of(content)) {
        const std::vector<Word> words = words_of(line);
        if (!words.empty()) return line.substr(words.front().begin, words.front().end - words.front().begin);
    }
    return {};
}

std::string hosts_with(const std::string& content, const std::string& before, const std::string& after) {
    std::vector<std::string> lines = lines_of(content);
    const auto says_it = [&](const std::string& line) {
        return has_name(line, after) && has_name(line, short_of(after));
    };
    if (lower(before) == lower(after) && std::any_of(lines.begin(), lines.end(), says_it)) return content;

    const std::string was = lower(before);
    bool found = false;
    for (std::string& line : lines) {
        if (!was.empty() && rename_in(line, was, both(after))) found = true;
    }
    if (!found) {
        const auto own = std::find_if(lines.begin(), lines.end(), [](const std::string& line) {
            const std::vector<Word> words = words_of(line);
            return !words.empty() && text(line, words.front()) == kOwnAddress;
        });
        if (own == lines.end()) {
            if (!lines.empty() && !lines.back().ends_with('\n')) lines.back() += '\n';
            lines.push_back(std::string{kOwnAddress} + '\t' + both(after) + '\n');
        } else {
            const std::vector<Word> words = words_of(*own);
            const bool named = words.size() > 1;
            const std::size_t from = named ? words[1].begin : words[0].end;
            own->replace(from, words.back().end - from, (named ? "" : "\t") + both(after));
        }
    }
    std::string result;
    for (const std::string& line : lines) result += line;
    return result;
}

std::string sysconfig_with(const std::string& content, const std::string& after) {
    std::string result;
    for (const std::string& line : lines_of(content)) {
        const std::size_t begin = line.find_first_not_of(kBlank);
        const bool sets = begin != std::string::npos && line.compare(begin, 9, "HOSTNAME=") == 0;
        result +=
            sets ? line.substr(0, begin) + "HOSTNAME=" + after + (line.ends_with('\n') ? "\n" : "") : line;
    }
    return result;
}

}  // namespace ft::system
