#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "ft/control/channel.h"

using namespace ft;

namespace {

std::optional<control::Message> decoded(std::string_view line) {
    try {
        return control::decode(line);
    } catch (const base::Error& error) {
        if (error.kind() != base::ErrorKind::peer && error.kind() != base::ErrorKind::unfit) std::abort();
        return std::nullopt;
    }
}

}  // namespace

/// A line is a message or an error of the peer; a message is the same after one more way to the other side.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto message = decoded({reinterpret_cast<const char*>(bytes), size});
    if (!message) return 0;
    const std::string sent = control::encode(*message);
    const auto* begin = std::get_if<control::Begin>(&*message);
    if (begin != nullptr && begin->format != system::kFormatVersion) return 0;
    const auto received = decoded(sent);
    if (!received || control::encode(*received) != sent) std::abort();
    return 0;
}
