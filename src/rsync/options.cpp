#include "rsync/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/wire/greeting.h"

namespace ft::rsync {

namespace {

// Letters that change nothing in what we send: times, modes, what the client does with its own files.
constexpr std::string_view kIgnoredLetters = "tpEOJWSbuIKymqvs";
constexpr std::array<std::string_view, 7> kIgnored{"--partial",       "--stats",        "--list-only",
                                                   "--safe-links",    "--open-noatime", "--msgs2stderr",
                                                   "--no-msgs2stderr"};
constexpr std::array<std::string_view, 3> kIgnoredWithValue{"--info=", "--suffix=", "--log-format="};

struct Letter {
    char letter;
    std::string_view name;
};
constexpr std::array<Letter, 7> kRefusedLetters{{{'U', "--atimes"},
                                                 {'N', "--crtimes"},
                                                 {'L', "--copy-links"},
                                                 {'k', "--copy-dirlinks"},
                                                 {'R', "--relative"},
                                                 {'C', "--cvs-exclude"},
                                                 {'B', "--block-size"}}};

void refuse(Options& options, std::string_view what) {
    if (options.refused.empty()) options.refused = fmt::format("this server does not grant {}", what);
}

void refuse_letter(Options& options, char letter) {
    const auto* known = std::find_if(kRefusedLetters.begin(), kRefusedLetters.end(),
                                     [&](const Letter& one) { return one.letter == letter; });
    const std::string shown = fmt::format("-{}", base::escape({&letter, 1}));
    refuse(options, known == kRefusedLetters.end() ? shown : fmt::format("{} ({})", known->name, shown));
}

void read_letters(Options& options, std::string_view letters) {
    for (std::size_t at = 0; at < letters.size(); ++at) {
        const char letter = letters[at];
        switch (letter) {
            case 'e':  // the rest is its value: "." and the capabilities
                options.capabilities =
                    letters.substr(std::min(letters.find('.', at), letters.size() - 1) + 1);
                return;
            case 'r':
                options.recurse = true;
                break;
            case 'd':
                options.directories = true;
                break;
            case 'l':
                options.links = true;
                break;
            case 'o':
                options.owner = true;
                break;
            case 'g':
                options.group = true;
                break;
            case 'D':
                options.devices = options.specials = true;
                break;
            case 'H':
                options.hard_links = true;
                break;
            case 'A':
                options.acls = true;
                break;
            case 'X':  // twice would bring what rsync without root keeps in them
                if (options.xattrs) refuse(options, "--xattrs given twice (-XX)");
                options.xattrs = true;
                break;
            case 'c':
                options.checksums = true;
                break;
            case 'n':
                options.dry_run = true;
                break;
            case 'x':  // twice would leave mount points out
                options.one_file_system = true;
                if (letters.substr(0, at).find('x') != std::string_view::npos) {
                    refuse(options, "--one-file-system given twice (-xx)");
                }
                break;
            case 'z':
                options.compress = true;
                break;
            default:
                if (kIgnoredLetters.find(letter) == std::string_view::npos) {
                    refuse_letter(options, letter);
                    if (letter == 'B') return;  // the rest is its value
                }
        }
    }
}

std::string lower_case(std::string_view name) {
    std::string lower{name};
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return lower;
}

void choose_checksum(Options& options, std::string_view names) {
    options.checksum_chosen = true;
    const auto one_of_ours = [](std::string_view text) {
        const std::string name = lower_case(text);
        const auto kind = base::digest_kind(name == "xxhash" ? "xxh64" : name);
        const auto ours = wire::checksums();
        return kind && std::find(ours.begin(), ours.end(), *kind) != ours.end() ? kind : std::nullopt;
    };
    const std::size_t comma = names.find(',');
    options.checksum = one_of_ours(names.substr(0, comma));
    options.list_checksum = comma == names.npos ? options.checksum : one_of_ours(names.substr(comma + 1));
    if (options.checksum && options.list_checksum) return;
    refuse(options, fmt::format("--checksum-choice={}, only {}", base::escape(names.substr(0, 64)),
                                fmt::join(wire::names_of(wire::checksums()), ", ")));
}

void choose_compression(Options& options, std::string_view name) {
    const auto compression = wire::compression_of(lower_case(name));
    if (!compression)
        return refuse(options, fmt::format("--compress-choice={}", base::escape(name.substr(0, 64))));
    options.compression_chosen = true;
    options.compression = *compression;
}

/// Nothing unless all of `digits` is a number from `least` to `most`.
template <typename Number>
std::optional<Number> number(std::string_view digits, Number least, Number most) {
    Number value{};
    const char* const last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, value);
    if (error != std::errc{} || end != last || value < least || value > most) return std::nullopt;
    return value;
}

/// Takes what begins with `start` and is a number; an unfit number is refused.
template <typename Number>
std::optional<Number> numbered(Options& options, std::string_view argument, std::string_view start,
                               Number least, Number most) {
    if (!argument.starts_with(start)) return std::nullopt;
    const auto value = number(argument.substr(start.size()), least, most);
    if (!value) refuse(options, base::escape(argument.substr(0, 64)));
    return value;
}

/// Options with a number; false when it is none of them.
bool read_number(Options& options, std::string_view argument) {
    constexpr std::uint64_t kMostRate = std::uint64_t{1} << 40;  // KiB a second
    constexpr std::uint32_t kMostSeconds = 1'000'000;
    constexpr int kHighest = 9;  // above it a stream takes memory by the hundred megabytes
    const auto level = numbered(options, argument, "--compress-level=", -1'000'000, 1000);
    if (level) {
        options.level_zero = *level == 0;
        options.compression_level = std::clamp(*level, -kHighest, kHighest);
        options.compress = true;  // a level alone, even 0, asks for it as -z does
    }
    const auto rate = numbered<std::uint64_t>(options, argument, "--bwlimit=", 0, kMostRate);
    if (rate) options.rate = *rate * 1024;
    const auto timeout = numbered<std::uint32_t>(options, argument, "--timeout=", 0, kMostSeconds);
    if (timeout) options.timeout = *timeout;
    constexpr std::int32_t kAny = std::numeric_limits<std::int32_t>::max();
    const auto seed = numbered(options, argument, "--checksum-seed=", -kAny, kAny);
    if (seed == 0) refuse(options, base::escape(argument));
    if (seed) options.seed = *seed;
    for (const std::string_view start :
         {"--compress-level=", "--bwlimit=", "--timeout=", "--checksum-seed="}) {
        if (argument.starts_with(start)) return true;
    }
    return false;
}

void read_long(Options& options, std::string_view argument) {
    constexpr std::string_view kCompress = "--compress-choice=";
    constexpr std::string_view kChecksum = "--checksum-choice=";
    const auto is_start = [&](std::string_view start) { return argument.starts_with(start); };
    if (argument == "--server" || argument == "--sender" || read_number(options, argument)) return;
    if (argument == "--new-compress" || argument == "--old-compress") {
        choose_compression(options, argument == "--new-compress" ? "zlibx" : "zlib");
    } else if (argument.starts_with(kCompress)) {
        choose_compression(options, argument.substr(kCompress.size()));
    } else if (argument == "--numeric-ids") {
        options.numeric_ids = true;
    } else if (argument == "--ignore-errors") {
        options.ignore_errors = true;
    } else if (argument == "--specials" || argument == "--no-specials") {
        options.specials = argument == "--specials";
    } else if (argument.starts_with(kChecksum)) {
        choose_checksum(options, argument.substr(kChecksum.size()));
    } else if (std::find(kIgnored.begin(), kIgnored.end(), argument) == kIgnored.end() &&
               std::none_of(kIgnoredWithValue.begin(), kIgnoredWithValue.end(), is_start)) {
        refuse(options, base::escape(argument.substr(0, 64)));
    }
}

// Clients escape what a shell would expand in values; nothing is expanded here.
std::string without_backslashes(std::string_view argument) {
    std::string plain;
    for (std::size_t at = 0; at < argument.size(); ++at) {
        if (argument[at] == '\\' && at + 1 < argument.size()) ++at;
        plain += argument[at];
    }
    return plain;
}

// "MODULE/a/b" into the path below the module. A space before the module's name comes as "[ ]".
void read_path(Options& options, std::string_view argument, std::string_view module) {
    std::string path;
    for (std::size_t at = 0; at < argument.size(); ++at) {
        const bool space = argument.substr(at, 3) == "[ ]";
        path += space ? ' ' : argument[at];
        if (space) at += 2;
    }
    if (path != module && !path.starts_with(std::string{module} + "/")) {
        return refuse(options, "paths outside the module");
    }
    path.erase(0, module.size());
    while (path.ends_with("/.") || path.ends_with('/')) {
        options.contents = true;
        path.pop_back();
    }
    path.erase(0, path.find_first_not_of('/'));
    options.path = path;
    if (path.empty()) options.contents = true;
}

}  // namespace

bool has_second_list(const std::vector<std::string>& first) {
    for (const std::string& argument : first) {
        if (argument.size() > 1 && argument[0] == '-' && argument[1] != '-') {
            return argument.substr(0, argument.find('e')).find('s') != std::string::npos;
        }
    }
    return false;
}

Options read_options(const std::vector<std::string>& first, const std::vector<std::string>& second,
                     std::string_view module) {
    if (first.empty() || first[0] != "--server") {
        throw base::Error{base::ErrorKind::peer, "the client did not send the arguments of an rsync client"};
    }
    Options options;
    options.sender = std::find(first.begin(), first.end(), "--sender") != first.end();
    if (!options.sender) options.refused = "this server only sends";
    std::vector<std::string> all;
    const auto dot = std::find(first.begin(), first.end(), ".");
    std::transform(first.begin(), dot, std::back_inserter(all), without_backslashes);
    all.insert(all.end(), dot, first.end());
    if (!second.empty())
        all.insert(all.end(), second.begin() + 1, second.end());  // [0] is the program's name

    std::size_t at = 0;
    for (; at < all.size() && all[at] != "."; ++at) {
        if (all[at].starts_with("--")) {
            read_long(options, all[at]);
        } else if (all[at].starts_with('-')) {
            read_letters(options, std::string_view{all[at]}.substr(1));
        } else {
            refuse(options, fmt::format("the argument \"{}\"", base::escape(all[at].substr(0, 64))));
        }
    }
    if (all.size() > at + 2) refuse(options, "more than one path");
    if (all.size() == at + 2)
        read_path(options, all[at + 1], module);
    else if (all.size() < at + 2)
        refuse(options, "a list of arguments without a path");
    return options;
}

}  // namespace ft::rsync
