#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ft/base/bytes.h"
#include "ft/base/digest.h"
#include "ft/base/rel_path.h"
#include "staging/log.h"
#include "support/memory_disk.h"

using namespace ft;

namespace {

/// The lines of `text`, each with the checksum that makes it worth looking at.
std::string with_checksums(std::string_view text) {
    std::string log;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const std::string sum = base::digest_of(base::DigestKind::xxh128, base::as_bytes(line)).hex();
        log += sum.substr(0, 16) + ' ' + std::string{line} + '\n';
    }
    return log;
}

void read(const std::string& text) {
    test::MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_file(staging::kLog)->write_at(0, base::as_bytes(text));
    staging::read_log(*root, [](const staging::LogEntry& entry) {
        if (staging::entry_of(staging::to_line(entry)) != entry) std::abort();
        if (!base::RelPath::fault(entry.place()).empty()) std::abort();
    });
}

}  // namespace

/// Whatever lies in a log is read, and what is believed leads nowhere but into the generation.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(bytes), size};
    read(std::string{text});
    read(with_checksums(text));
    return 0;
}
