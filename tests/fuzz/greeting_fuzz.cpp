#include "fuzz/decoding.h"

using namespace ft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto data = std::as_bytes(std::span{bytes, size});
    test::ClientSetup client;
    client.arguments = {"-z"};
    for (const bool challenged : {false, true}) {
        fuzz::decode_all(data, [&](wire::Reader& in) {
            const test::ClientSetup setup = test::read_client_setup(in, challenged);
            wire::choose(wire::auth_digests(), setup.greeting.digests);
        });
    }
    fuzz::decode_all(
        data, [&](wire::Reader& in) { test::read_server_setup(in, client); }, 3);
    wire::compat_granted(base::as_text(data));
    return 0;
}
