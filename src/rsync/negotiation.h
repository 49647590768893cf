#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "ft/base/bytes.h"
#include "ft/base/digest.h"
#include "ft/wire/file_list.h"
#include "ft/wire/reader.h"
#include "rsync/options.h"

namespace ft::rsync {

/// The letters that our own client gives behind "e.".
inline constexpr std::string_view kOurCapabilities = "LfxCvu";

/// What both sides agree on before the first frame.
struct Setup {
    int protocol = 0;
    std::uint32_t compat = 0;
    base::DigestKind checksum = base::DigestKind::md5;
    base::DigestKind list_checksum = base::DigestKind::md5;  ///< of files in the list, when it has any (-c)
    wire::Compression compression = wire::Compression::none;
    std::int32_t seed = 0;

    std::int32_t digest_bytes() const { return static_cast<std::int32_t>(base::digest_size(checksum)); }
    bool seed_first() const;
};

/// Server's part. Nothing that was refused keeps it from ending: the refusal is told in a frame behind it.
/// When no checksum or no compression is common `options.refused` says so.
Setup set_up_server(wire::Reader& in, base::ByteSink& out, int protocol, Options& options,
                    const std::function<void(std::span<std::byte>)>& fill_random);

/// What a client offers, in the order of wire::checksums() and wire::compressions(); no compression: it asked
/// for none. Flushes nothing.
void write_offers(base::ByteSink& out, std::span<const base::DigestKind> checksums,
                  std::span<const wire::Compression> compressions);

/// Client's part; writes the same offers, unless it has `offered` them: then a server that takes none breaks
/// the protocol. Error peer when nothing is common.
Setup set_up_client(wire::Reader& in, base::ByteSink& out, int protocol,
                    std::span<const base::DigestKind> checksums,
                    std::span<const wire::Compression> compressions, bool offered);

/// How the file lists of a session are written.
wire::ListOptions list_options(const Setup& setup, const Options& options);

}  // namespace ft::rsync
