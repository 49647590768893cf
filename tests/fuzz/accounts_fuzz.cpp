#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ft/system/accounts.h"

using namespace ft;

namespace {

/// Files are separated by NUL: those of the source, then those here.
system::AccountFiles next_files(std::string_view& left) {
    system::AccountFiles files;
    for (auto* lines :
         {&files.passwd, &files.shadow, &files.group, &files.gshadow, &files.subuid, &files.subgid}) {
        std::string_view file = left.substr(0, left.find('\0'));
        left.remove_prefix(std::min(file.size() + 1, left.size()));
        while (!file.empty()) {
            const std::string_view line = file.substr(0, file.find('\n'));
            file.remove_prefix(std::min(line.size() + 1, file.size()));
            lines->emplace_back(line);
        }
    }
    return files;
}

}  // namespace

/// Whatever a source says its accounts are: they merge, and merging the result again changes nothing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    std::string_view left{reinterpret_cast<const char*>(bytes), size};
    const system::AccountFiles source = next_files(left);
    const system::AccountFiles here = next_files(left);
    const system::MergedAccounts merged = system::merge(source, here);
    if (merged.findings.empty() && system::merge(source, merged.files).files != merged.files) std::abort();
    return 0;
}
