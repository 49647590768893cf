#include "fuzz/decoding.h"

#include "ft/wire/tokens.h"

using namespace ft;

namespace {

/// The same bytes as each compression's; what comes out may be anything within its bounds.
void decompress(std::span<const std::byte> data, std::uint64_t most) {
    for (const wire::Compression compression : wire::compressions()) {
        const auto decompressor = wire::make_decompressor(compression, 32);
        fuzz::decode_all(
            fuzz::data_stream(data),
            [&](wire::Reader& in) {
                if (fuzz::is_session(data)) fuzz::skip_to_sum_head(in, fuzz::Side::server);
                const wire::SumHead head = wire::read_sum_head(in, 16);
                wire::TokenReader tokens{in, head, most, decompressor.get()};
                std::uint64_t total = 0;
                for (auto token = tokens.next(); token.kind != wire::Token::Kind::end;
                     token = tokens.next()) {
                    if (token.kind == wire::Token::Kind::block && decompressor->wants_blocks())
                        decompressor->skip(data);
                    total += token.data.size();
                    if (total > most) std::abort();
                }
            },
            7);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    constexpr std::uint64_t kMost = 1 << 20;
    const auto data = std::as_bytes(std::span{bytes, size});
    fuzz::decode_all(
        fuzz::data_stream(data),
        [&](wire::Reader& in) {
            if (fuzz::is_session(data)) fuzz::skip_to_sum_head(in, fuzz::Side::server);
            const wire::SumHead head = wire::read_sum_head(in, 16);
            wire::TokenReader tokens{in, head, kMost};
            std::uint64_t total = 0;
            for (auto token = tokens.next(); token.kind != wire::Token::Kind::end; token = tokens.next()) {
                if (token.kind == wire::Token::Kind::literal && token.data.empty()) std::abort();
                if (token.kind == wire::Token::Kind::block && token.block >= head.count) std::abort();
                total +=
                    token.kind == wire::Token::Kind::block ? head.length_of(token.block) : token.data.size();
                if (total > kMost) std::abort();
            }
        },
        7);
    decompress(data, kMost);
    return 0;
}
