#include <cstdint>
#include <cstdlib>
#include <string>

#include "ft/base/error.h"
#include "ft/system/description.h"

using namespace ft;

/// Any text is a system.json, or what is wrong with it is told with the place.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    try {
        const std::string text{reinterpret_cast<const char*>(bytes), size};
        const system::Description description = system::parse_description(text, "system.json", "/");
        if (description.name.empty()) std::abort();
        for (const system::TreeDescription& tree : description.trees) {
            if (!tree.path.starts_with('/') || tree.name.empty()) std::abort();
        }
    } catch (const base::Error& error) {
        if (error.kind() != base::ErrorKind::usage) std::abort();
        if (error.details().empty() && error.what()[0] == '\0') std::abort();
    }
    return 0;
}
