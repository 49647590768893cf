#include <span>

#include "fuzz/decoding.h"
#include "rsync/exchange.h"

using namespace ft;

namespace {

const test::Tree kTree{{".", test::directory(1)},
                       {"changed", test::file(test::noise(3000), 2)},
                       {"d", test::directory(3)},
                       {"d/new", test::file("new")},
                       {"l", test::link("x")}};

}  // namespace

/// Whatever a client says to a source, it is served, refused, or at fault itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    static test::Exchange exchange{kTree, kTree};
    static const auto root = exchange.source.open("/data");
    const std::string_view said = base::as_text(std::as_bytes(std::span{bytes, size}));
    rsync::ServeOptions options = exchange.serve_options(*root);
    const std::size_t begin = std::min(said.find('\n'), said.size() - 1) + 1;
    const std::string_view module = said.substr(begin, said.find('\n', begin) - begin);
    if (!module.empty() && module.size() <= 64) options.modules.front().name = module;  // of a capture
    test::Replayed stream{said};
    base::Progress progress;
    base::Cancellation cancellation;
    try {
        rsync::serve(stream, options, progress, cancellation);
    } catch (const base::Error& error) {
        if (error.kind() != base::ErrorKind::peer && error.kind() != base::ErrorKind::network) std::abort();
        if (error.what()[0] == '\0') std::abort();
    }
    return 0;
}
