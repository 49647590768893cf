#include "fuzz/decoding.h"

#include "ft/wire/filters.h"
#include "ft/wire/sum_head.h"

using namespace ft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const base::Bytes stream = fuzz::data_stream(std::as_bytes(std::span{bytes, size}));
    fuzz::decode_all(stream, [](wire::Reader& in) {
        wire::IndexReader indices;
        wire::read_filters(in);
        while (!in.at_end()) {
            const std::int32_t index = indices.read(in, 1000);
            if (index >= 1000) std::abort();
            if (index == wire::kDeleteStats) wire::read_delete_statistics(in);
            if (index < 0 || (wire::read_item(in, index).flags & wire::kTransfer) == 0) continue;
            const wire::SumHead head = wire::read_sum_head(in, 16);
            for (std::int32_t i = 0; i < head.count; ++i) wire::read_block_sum(in, head);
        }
    });
    fuzz::decode_all(stream, [](wire::Reader& in) {
        wire::IndexReader indices;
        while (indices.read(in, INT32_MAX, true) != wire::kDone) {
        }
        wire::read_statistics(in);
    });
    return 0;
}
