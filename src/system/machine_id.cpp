#include "ft/system/machine_id.h"

#include "ft/base/bytes.h"
#include "ft/base/digest.h"
#include "ft/base/error.h"
#include "ft/base/log.h"

namespace ft::system {
namespace {

constexpr std::size_t kLargestFile = 4096;

std::string trimmed(const std::string& text) {
    constexpr const char* kSpace = " \t\r\n";
    const std::size_t begin = text.find_first_not_of(kSpace);
    return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

std::string machine_id(os::Machine& machine, const Description& system) {
    try {
        const auto root = machine.open_root_to_read(system.root);
        if (!root->status("etc/machine-id")) return {};
        const std::string id = trimmed(os::read_all(*root, "etc/machine-id", kLargestFile));
        return id == "uninitialized" ? "" : id;  // what systemd writes before its first start
    } catch (const base::Error& error) {
        base::log_info("no machine id: {}", error.what());
        return {};
    }
}

}  // namespace

std::string machine_digest(os::Machine& machine, const Description& system) {
    const std::string id = machine_id(machine, system);
    if (id.empty()) return {};
    return base::digest_of(base::DigestKind::sha256, base::as_bytes("ft machine " + id)).hex();
}

}  // namespace ft::system
