#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ft/base/digest.h"
#include "ft/wire/reader.h"
#include "ft/wire/writer.h"

namespace ft::wire {

constexpr int kOldestProtocol = 30;
constexpr int kNewestProtocol = 32;
constexpr std::size_t kLongestGreeting = 1024;

/// First line of either side: "@RSYNCD: 32.0 sha512 sha256 sha1 md5".
struct Greeting {
    int protocol = kNewestProtocol;    ///< highest that it speaks; after parsing the one that both speak
    std::vector<std::string> digests;  ///< for the challenge, strongest first; empty below 32 means md5
    bool operator==(const Greeting&) const = default;
};

/// Our greeting, without the newline.
std::string our_greeting();
/// `line` without its newline. Higher versions count as 32, a pre-release as the version before it.
/// Error peer: no greeting, below 30, no sub-version, at 32 no digests, a list out of its limits.
Greeting parse_greeting(std::string_view line);

/// What we answer challenges with, and what we check content with, in the protocol's order.
std::span<const base::DigestKind> auth_digests();
std::span<const base::DigestKind> checksums();
/// The first of `ours` that `theirs` names. Sound only because both lists keep the protocol's order.
template <typename Kind>
std::optional<Kind> choose(std::span<const Kind> ours, const std::vector<std::string>& theirs) {
    for (const Kind kind : ours) {
        if (std::find(theirs.begin(), theirs.end(), name_of(kind)) != theirs.end()) return kind;
    }
    return std::nullopt;
}
/// base64 without padding of the digest of secret and challenge text.
std::string auth_response(base::DigestKind digest, std::string_view secret, std::string_view challenge);

/// Names of a negotiation, "xxh128 md5"; a server's list ends in "none". Error peer above 1024 bytes or 32
/// names.
std::vector<std::string> read_names(Reader& in, std::string_view field);
void write_names(Writer& out, const std::vector<std::string_view>& names, bool server);
template <typename Kind>
std::vector<std::string_view> names_of(std::span<const Kind> kinds) {
    std::vector<std::string_view> names;
    for (const Kind kind : kinds) names.push_back(name_of(kind));
    return names;
}

/// Compatibility flags, which a server derives from the client's letters.
enum Compat : std::uint32_t {
    kIncRecurse = 0x01,
    kSymlinkTimes = 0x02,
    kSymlinkIconv = 0x04,
    kSafeFlist = 0x08,
    kAvoidXattrOptim = 0x10,
    kChksumSeedFix = 0x20,
    kInplacePartialDir = 0x40,
    kVarintFlistFlags = 0x80,
    kId0Names = 0x100,
};
/// The flags that a server may set for a client's letters ("LfxCvu").
std::uint32_t compat_allowed(std::string_view letters);
/// The flags that we as a server set: no incremental recursion, no conversion, no update in place.
std::uint32_t compat_granted(std::string_view letters);
/// A server's flags. Error peer when one is not in `allowed`.
std::uint32_t read_compat(Reader& in, std::uint32_t allowed);

}  // namespace ft::wire
