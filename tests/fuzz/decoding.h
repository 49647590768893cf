#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "ft/base/error.h"
#include "ft/wire/file_list.h"
#include "ft/wire/index.h"
#include "ft/wire/items.h"
#include "ft/wire/reader.h"
#include "support/streams.h"
#include "wire/recorded_session.h"

namespace ft::fuzz {

/// Calls `decode` with a reader of `data`. The errors of bad input are fine, any other one is a find.
template <typename Decode>
void decode_all(std::span<const std::byte> data, Decode decode, std::size_t piece = 65536) {
    test::Bytes source{base::Bytes{data.begin(), data.end()}, piece};
    wire::Reader in{source};
    try {
        decode(in);
    } catch (const base::Error& error) {
        if (error.kind() != base::ErrorKind::peer && error.kind() != base::ErrorKind::network) std::abort();
        if (error.what()[0] == '\0') std::abort();
    }
}

enum class Side { server, client };

inline bool is_session(std::span<const std::byte> data) {
    return base::as_text(data).starts_with("@RSYNCD: ");
}
inline Side side_of(std::span<const std::byte> data) {
    return base::as_text(data).find("@RSYNCD: OK") != std::string_view::npos ? Side::server : Side::client;
}

/// The data stream of a recorded session's side, as far as it goes; other input is such a stream already.
inline base::Bytes data_stream(std::span<const std::byte> data) {
    if (!is_session(data)) return {data.begin(), data.end()};
    base::Bytes stream;
    decode_all(data, [&](wire::Reader& raw) {
        const Side side = side_of(data);
        if (side == Side::server) {
            test::read_server_setup(raw, {});
        } else {
            test::read_client_setup(raw, false);
        }
        wire::FrameReader frames{
            raw, side == Side::server ? wire::Direction::to_client : wire::Direction::to_server, 32,
            [](const wire::Message&) {}};
        wire::Reader in{frames};
        while (!in.at_end()) {
            const auto piece = in.piece("data", 65536);
            stream.insert(stream.end(), piece.begin(), piece.end());
        }
    });
    return stream;
}

/// Reads the lists of a session with incremental recursion and what follows, up to the sum head of the first
/// file that a server sends or a client requests.
inline void skip_to_sum_head(wire::Reader& in, Side side) {
    wire::EntryDecoder entries{{.incremental = true}};
    wire::IndexReader indices;
    const auto read_list = [&] {
        while (entries.next(in)) {
        }
    };
    if (side == Side::server) read_list();
    if (side == Side::client) in.skip("filters", 4);
    while (true) {
        const std::int32_t index = indices.read(in, INT32_MAX, true);
        if (index <= wire::kFlistOffset) read_list();
        if (index >= 0 && (wire::read_item(in, index).flags & wire::kTransfer) != 0) return;
    }
}

}  // namespace ft::fuzz
