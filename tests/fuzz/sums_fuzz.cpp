#include "ft/wire/sum_head.h"

#include "fuzz/decoding.h"

using namespace ft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto data = std::as_bytes(std::span{bytes, size});
    fuzz::decode_all(fuzz::data_stream(data), [&](wire::Reader& in) {
        if (fuzz::is_session(data)) fuzz::skip_to_sum_head(in, fuzz::Side::client);
        const wire::SumHead head = wire::read_sum_head(in, 16);
        for (std::int32_t i = 0; i < head.count; ++i) {
            if (head.length_of(i) == 0) std::abort();
            const wire::BlockSum sum = wire::read_block_sum(in, head);
            wire::Writer out;
            wire::write_block_sum(out, head, sum);
            if (out.size() != 4 + static_cast<std::size_t>(head.strong)) std::abort();
        }
    });
    return 0;
}
