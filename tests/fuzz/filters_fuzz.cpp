#include "ft/wire/filters.h"

#include "fuzz/decoding.h"

using namespace ft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const base::Bytes stream = fuzz::data_stream(std::as_bytes(std::span{bytes, size}));
    fuzz::decode_all(
        stream,
        [&](wire::Reader& in) {
            const std::vector<std::string> rules = wire::read_filters(in);
            wire::Writer out;
            wire::write_filters(out, rules);
            if (!std::equal(out.written().begin(), out.written().end(), stream.begin())) std::abort();
        },
        2);
    return 0;
}
