#include "fuzz/decoding.h"
#include "rsync/options.h"

using namespace ft;

namespace {

std::vector<std::string> next_list(wire::Reader& in) {
    std::vector<std::string> arguments;
    for (std::string argument = in.argument("argument", 4096); !argument.empty();
         argument = in.argument("argument", 4096)) {
        arguments.push_back(std::move(argument));
    }
    return arguments;
}

}  // namespace

/// Whatever a client's arguments are: they are granted, refused by one printable line, or no arguments at
/// all.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    fuzz::decode_all(std::as_bytes(std::span{bytes, size}), [](wire::Reader& in) {
        const std::vector<std::string> first = next_list(in);
        std::vector<std::string> second;
        if (rsync::has_second_list(first)) second = next_list(in);
        const rsync::Options options = rsync::read_options(first, second, "data");
        for (const char c : options.refused) {
            if (static_cast<unsigned char>(c) < ' ') std::abort();
        }
        if (options.refused.size() > 1024) std::abort();
        if (options.refused.empty() && !options.sender) std::abort();
        if (options.path.starts_with('/') || options.path.ends_with('/')) std::abort();
    });
    return 0;
}
