#include "fuzz/decoding.h"

#include "ft/base/rel_path.h"

using namespace ft;

namespace {

/// Decodes the lists, writes them once more, and gets what was legal as it was.
void decode_lists(wire::Reader& in, const wire::ListOptions& options) {
    wire::EntryDecoder decoder{options};
    wire::EntryEncoder encoder{options};
    wire::EntryDecoder second_decoder{options};
    wire::IndexReader indices;
    while (true) {
        while (const auto entry = decoder.next(in)) {
            if (!base::RelPath::fault(entry->path).empty()) std::abort();
            wire::Writer out;
            encoder.write(out, *entry);
            test::Bytes source{out.take()};
            wire::Reader again{source};
            const auto second = second_decoder.next(again);
            const bool same = second && second->path == entry->path &&
                              second->user.size() <= entry->user.size() &&
                              second->object.attributes == entry->object.attributes &&
                              second->object.size == entry->object.size &&
                              second->object.link_target == entry->object.link_target &&
                              second->object.device_major == entry->object.device_major && again.at_end();
            if (!same) std::abort();
        }
        if (!options.incremental) break;
        if (indices.read(in, 0, true) > wire::kFlistOffset) return;
    }
    if (wire::has_id_lists(options)) {
        wire::read_ids(in, options);
        wire::read_ids(in, options);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const base::Bytes stream = fuzz::data_stream(std::as_bytes(std::span{bytes, size}));
    for (const wire::ListOptions& options :
         {wire::ListOptions{}, wire::ListOptions{.incremental = true},
          wire::ListOptions{.protocol = 30, .varint_flags = false, .safe_end = false, .id0_names = false},
          wire::ListOptions{
              .varint_flags = false, .numeric_ids = true, .links = false, .checksum_bytes = 16}}) {
        fuzz::decode_all(stream, [&](wire::Reader& in) { decode_lists(in, options); });
    }
    return 0;
}
