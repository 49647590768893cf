#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "ft/base/error.h"
#include "ft/system/manifest.h"

using namespace ft;

/// What is JSON is a manifest or an error of the peer; a manifest is the same after one more way as JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(bytes), size};
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded()) return 0;
    try {
        const nlohmann::json sent = system::to_json(system::manifest_from_json(json));
        if (system::to_json(system::manifest_from_json(sent)) != sent) std::abort();
    } catch (const base::Error& error) {
        if (error.kind() != base::ErrorKind::peer && error.kind() != base::ErrorKind::unfit) std::abort();
        if (error.what()[0] == '\0') std::abort();
    }
    return 0;
}
