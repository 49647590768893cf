#include <cstdlib>
#include <span>

#include "rsync/exchange.h"

using namespace ft;

namespace {

const test::Tree kTheirs{{".", test::directory(1)},
                         {"changed", test::file(test::noise(3000), 2)},
                         {"d", test::directory(3)},
                         {"d/new", test::file("new")},
                         {"l", test::link("x")}};
const test::Tree kOurs{{".", test::directory(1)}, {"changed", test::file(test::noise(2000), 1)}};

}  // namespace

/// Whatever a source says to a destination: the pull fails and the tree is as it was, or it ends. An input
/// that is no greeting is put behind the bytes that a real source says up to its file list.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    static const std::string kStart = [] {
        test::Exchange exchange{kTheirs, kOurs};
        if (!exchange.run()) std::abort();
        const std::string& said = exchange.said_by_source.bytes;
        // Flags, lists of checksums and the seed, which is not random here.
        return said.substr(0, said.find(std::string(4, '\7')) + 4);
    }();
    const std::string_view input = base::as_text(std::as_bytes(std::span{bytes, size}));
    std::string said{input};
    if (!input.starts_with("@RSYNCD: ")) said.insert(0, kStart);
    test::Exchange exchange{kTheirs, kOurs};
    test::Replayed stream{said};
    exchange.pull(stream);
    if (exchange.pull_error.empty()) return 0;
    if (exchange.pull_error_kind == base::ErrorKind::internal) std::abort();
    if (exchange.ours() != kOurs) std::abort();
    return 0;
}
