#include "database/files.h"

#include <vector>

#include "ft/base/digest.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::database {
namespace {

constexpr std::size_t kChunkBytes = 1 << 20;

}  // namespace

std::uint64_t dump_bytes(const os::Directory& dump) {
    std::uint64_t bytes = 0;
    for (const auto& [name, inode] : dump.list()) {
        if (const auto status = dump.status(name)) bytes += status->size;
    }
    return bytes;
}

std::map<std::string, std::string> digests(const os::Directory& dump, base::Cancellation& cancellation) {
    std::map<std::string, std::string> result;
    std::vector<std::byte> chunk(kChunkBytes);
    base::Hasher hasher{base::DigestKind::xxh128};
    for (const auto& [name, inode] : dump.list()) {
        const auto status = dump.status(name);
        if (!status || status->type != os::FileType::regular) {
            throw base::Error{base::ErrorKind::corrupt,
                              "the dump holds what is no regular file: " + base::escape(name)};
        }
        const auto file = dump.open_file(name);
        for (std::uint64_t offset = 0;;) {
            cancellation.check();
            const std::size_t length = file->read_at(offset, chunk);
            hasher.update({chunk.data(), length});
            offset += length;
            if (length < chunk.size()) break;
        }
        result[name] = hasher.finish().hex();
    }
    return result;
}

void give_to(os::Machine& machine, os::Directory& dump, const std::string& os_user) {
    if (os_user.empty()) return;
    const auto uid = machine.accounts("/")->user_id(os_user);
    if (!uid)
        throw base::Error{base::ErrorKind::unfit, "no such user on this machine: " + base::escape(os_user)};
    const auto give = [&](const std::string& path, std::uint32_t mode) {
        os::Attributes attributes = dump.status(path).value().attributes;
        attributes.uid = *uid;
        attributes.mode = mode;
        dump.set_attributes(path, attributes);
    };
    for (const auto& [name, inode] : dump.list()) give(name, 0600);
    give(".", 0700);
}

}  // namespace ft::database
