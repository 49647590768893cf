#include "rsync/negotiation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <bit>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/wire/greeting.h"
#include "ft/wire/writer.h"

namespace ft::rsync {

namespace {

template <typename Kind>
std::string both_lists(std::string_view what, std::span<const Kind> kinds,
                       const std::vector<std::string>& theirs) {
    return fmt::format("no {} is common: ours are {}; theirs are {}", what,
                       fmt::join(wire::names_of(kinds), " "),
                       base::escape(fmt::format("{}", fmt::join(theirs, " "))));
}

std::int32_t random_seed(const std::function<void(std::span<std::byte>)>& fill_random) {
    std::array<std::byte, 4> random{};
    fill_random(random);
    const auto seed = std::bit_cast<std::int32_t>(random);
    return seed == 0 ? 1 : seed;
}

}  // namespace

bool Setup::seed_first() const { return (compat & wire::kChksumSeedFix) != 0; }

Setup set_up_server(wire::Reader& in, base::ByteSink& out, int protocol, Options& options,
                    const std::function<void(std::span<std::byte>)>& fill_random) {
    Setup setup{.protocol = protocol,
                .compat = wire::compat_granted(options.capabilities),
                .checksum = options.checksum.value_or(base::DigestKind::md5),
                .list_checksum = options.list_checksum.value_or(base::DigestKind::md5),
                .compression = options.compression,
                .seed = options.seed ? *options.seed : random_seed(fill_random)};
    const bool names = (setup.compat & wire::kVarintFlistFlags) != 0;
    const bool checksums = names && !options.checksum_chosen;
    const bool compressions = names && options.compress && !options.compression_chosen;
    if (!names && options.compress && !options.compression_chosen)
        setup.compression = wire::Compression::zlib;
    wire::Writer first;
    first.varint(static_cast<std::int32_t>(setup.compat));
    if (checksums) wire::write_names(first, wire::names_of(wire::checksums()), true);
    if (compressions) wire::write_names(first, wire::names_of(wire::compressions()), true);
    out.write(first.written());
    if (checksums) {
        const auto theirs = wire::read_names(in, "checksum list");
        const auto chosen = wire::choose(wire::checksums(), theirs);
        if (!chosen && options.refused.empty())
            options.refused = both_lists("checksum", wire::checksums(), theirs);
        setup.checksum = setup.list_checksum = chosen.value_or(base::DigestKind::md5);
    }
    if (compressions) {
        const auto theirs = wire::read_names(in, "compress list");
        const auto chosen = wire::choose(wire::compressions(), theirs);
        if (!chosen && options.refused.empty())
            options.refused = both_lists("compression", wire::compressions(), theirs);
        setup.compression = chosen.value_or(wire::Compression::none);
    }
    const bool is_deflate =
        setup.compression == wire::Compression::zlibx || setup.compression == wire::Compression::zlib;
    if (options.level_zero && is_deflate) setup.compression = wire::Compression::none;
    wire::Writer last;
    last.int32(setup.seed);
    out.write(last.written());
    out.flush();
    return setup;
}

void write_offers(base::ByteSink& out, std::span<const base::DigestKind> checksums,
                  std::span<const wire::Compression> compressions) {
    wire::Writer ours;
    wire::write_names(ours, wire::names_of(checksums), false);
    if (!compressions.empty()) wire::write_names(ours, wire::names_of(compressions), false);
    out.write(ours.written());
}

Setup set_up_client(wire::Reader& in, base::ByteSink& out, int protocol,
                    std::span<const base::DigestKind> checksums,
                    std::span<const wire::Compression> compressions, bool offered) {
    Setup setup{.protocol = protocol};
    setup.compat = wire::read_compat(in, wire::compat_allowed(kOurCapabilities));
    if ((setup.compat & wire::kVarintFlistFlags) != 0) {
        if (!offered) {
            write_offers(out, checksums, compressions);
            out.flush();
        }
        const auto theirs = wire::read_names(in, "checksum list");
        const auto chosen = wire::choose(checksums, theirs);
        if (!chosen) throw base::Error{base::ErrorKind::peer, both_lists("checksum", checksums, theirs)};
        setup.checksum = setup.list_checksum = *chosen;
        if (!compressions.empty()) {
            const auto names = wire::read_names(in, "compress list");
            const auto compression = wire::choose(compressions, names);
            if (!compression)
                throw base::Error{base::ErrorKind::peer, both_lists("compression", compressions, names)};
            setup.compression = *compression;
        }
    } else if (offered) {
        throw wire::malformed("compatibility flags", "lack that of the negotiation");
    } else if (!compressions.empty()) {
        setup.compression = wire::Compression::zlib;  // a peer that negotiates nothing knows no other
    }
    setup.seed = in.int32("checksum seed");
    return setup;
}

wire::ListOptions list_options(const Setup& setup, const Options& options) {
    return {.protocol = setup.protocol,
            .varint_flags = (setup.compat & wire::kVarintFlistFlags) != 0,
            .safe_end = setup.protocol > 30 || (setup.compat & wire::kSafeFlist) != 0,
            .id0_names = (setup.compat & wire::kId0Names) != 0,
            .numeric_ids = options.numeric_ids,
            .owners = options.owner,
            .groups = options.group,
            .links = options.links,
            .hard_links = options.hard_links,
            .devices = options.devices,
            .specials = options.specials,
            .checksum_bytes = options.checksums ? base::digest_size(setup.list_checksum) : 0,
            .acls = options.acls,
            .xattrs = options.xattrs};
}

}  // namespace ft::rsync
