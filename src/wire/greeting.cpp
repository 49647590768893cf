#include "ft/wire/greeting.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "ft/base/escape.h"

namespace ft::wire {
namespace {

constexpr std::string_view kPrefix = "@RSYNCD: ";
constexpr std::size_t kLongestNames = 1024;
constexpr base::DigestKind kAuthDigests[] = {base::DigestKind::sha512, base::DigestKind::sha256,
                                             base::DigestKind::sha1, base::DigestKind::md5};
constexpr base::DigestKind kChecksums[] = {base::DigestKind::xxh128, base::DigestKind::xxh3,
                                           base::DigestKind::xxh64, base::DigestKind::md5};

/// Names separated by single spaces, in lower case: they compare without case.
std::vector<std::string> split(std::string_view field, std::string_view list, std::size_t most,
                               std::size_t longest) {
    std::vector<std::string> names;
    while (!list.empty()) {
        const std::size_t length = std::min(list.find(' '), list.size());
        if (length == 0 || length > longest || names.size() == most) {
            throw malformed(field, fmt::format("is no list of at most {} names of {} bytes", most, longest));
        }
        std::string& name = names.emplace_back(list.substr(0, length));
        for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        list.remove_prefix(std::min(length + 1, list.size()));
    }
    return names;
}

/// Takes a decimal number from the front of `text`; nothing when there is none.
std::optional<int> take_number(std::string_view& text) {
    int value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || text.front() == '-') return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

}  // namespace

std::span<const base::DigestKind> auth_digests() { return kAuthDigests; }
std::span<const base::DigestKind> checksums() { return kChecksums; }

std::string our_greeting() {
    return fmt::format("{}{}.0 {}", kPrefix, kNewestProtocol, fmt::join(names_of(auth_digests()), " "));
}

Greeting parse_greeting(std::string_view line) {
    const auto wrong = [line](std::string_view what) {
        return malformed("greeting", fmt::format("{}: {}", what, base::escape(line.substr(0, 80))));
    };
    const bool printable = std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (!line.starts_with(kPrefix) || !printable) throw wrong("is not that of rsync");
    std::string_view rest = line.substr(kPrefix.size());
    const auto version = take_number(rest);
    if (!version) throw wrong("has no version");
    if (*version < kOldestProtocol) throw wrong("has a version below 30");
    if (!rest.starts_with('.')) throw wrong("has no sub-version");
    rest.remove_prefix(1);
    const auto sub = take_number(rest);
    if (!sub || (!rest.empty() && rest.front() != ' ')) throw wrong("has no sub-version");
    rest.remove_prefix(std::min<std::size_t>(rest.size(), 1));

    Greeting greeting{.protocol = *version, .digests = split("digest list", rest, 16, 16)};
    if (greeting.protocol >= 32 && greeting.digests.empty()) throw wrong("has no digest list");
    if (greeting.protocol > kNewestProtocol) {
        greeting.protocol = kNewestProtocol;
    } else if (*sub != 0) {
        --greeting.protocol;
    }
    if (greeting.protocol < kOldestProtocol) throw wrong("has a version below 30");
    return greeting;
}

std::string auth_response(base::DigestKind digest, std::string_view secret, std::string_view challenge) {
    static constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    base::Hasher hasher{digest};
    hasher.update(base::as_bytes(secret));
    hasher.update(base::as_bytes(challenge));
    const base::Digest value = hasher.finish();
    std::string text;
    std::uint32_t bits = 0;
    int count = 0;
    for (const std::byte b : value.bytes()) {
        bits = bits << 8 | static_cast<std::uint32_t>(b);
        for (count += 8; count >= 6; count -= 6) text += kDigits[bits >> (count - 6) & 63];
    }
    if (count > 0) text += kDigits[bits << (6 - count) & 63];
    return text;
}

std::vector<std::string> read_names(Reader& in, std::string_view field) {
    return split(field, in.vstring(field, kLongestNames), 32, kLongestNames);
}

void write_names(Writer& out, const std::vector<std::string_view>& names, bool server) {
    out.vstring(fmt::format("{}{}", fmt::join(names, " "), server ? " none" : ""));
}

std::uint32_t compat_allowed(std::string_view letters) {
    static constexpr struct {
        char letter;
        std::uint32_t flag;
    } kFlags[] = {{'i', kIncRecurse},    {'f', kSafeFlist},         {'x', kAvoidXattrOptim},
                  {'C', kChksumSeedFix}, {'I', kInplacePartialDir}, {'v', kVarintFlistFlags},
                  {'u', kId0Names}};
    std::uint32_t allowed = kSymlinkTimes | kSymlinkIconv;  // these tell of the server alone
    for (const auto& [letter, flag] : kFlags) {
        if (letters.find(letter) != std::string_view::npos) allowed |= flag;
    }
    return allowed;
}

std::uint32_t compat_granted(std::string_view letters) {
    return compat_allowed(letters) & ~std::uint32_t{kIncRecurse | kSymlinkIconv | kInplacePartialDir};
}

std::uint32_t read_compat(Reader& in, std::uint32_t allowed) {
    const auto flags = static_cast<std::uint32_t>(in.varint("compatibility flags"));
    if ((flags & ~allowed) != 0) {
        throw malformed("compatibility flags", fmt::format("0x{:x} hold some that were not offered", flags));
    }
    return flags;
}

}  // namespace ft::wire
