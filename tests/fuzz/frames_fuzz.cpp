#include "fuzz/decoding.h"

using namespace ft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto data = std::as_bytes(std::span{bytes, size});
    fuzz::data_stream(data);
    for (const int protocol : {30, 32}) {
        for (const auto direction : {wire::Direction::to_client, wire::Direction::to_server}) {
            fuzz::decode_all(
                data, [&](wire::Reader& raw) { test::unframe(raw, direction, protocol); }, 5);
        }
    }
    return 0;
}
