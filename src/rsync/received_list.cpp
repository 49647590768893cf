#include "rsync/received_list.h"

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/staging/names.h"
#include "ft/tree/owners.h"

namespace ft::rsync {

namespace {

constexpr std::uint64_t kEntryBytes = 100;  // besides its texts
constexpr std::uint64_t kSumBytes = 16;
constexpr std::uint64_t kLinkBytes = 32;  // of a name of a group, besides

bool is_reserved(std::string_view path) {
    return path.substr(0, path.find('/')) == staging::kReservedDirectory;
}

void read_entries(wire::Reader& in, wire::EntryDecoder& decoder, ReceivedList& list,
                  std::uint64_t list_memory, base::Progress& progress) {
    std::uint64_t memory = 0;
    while (const auto entry = decoder.next(in)) {
        if (is_reserved(entry->path)) {
            throw wire::malformed("file list",
                                  fmt::format("names {}, which is reserved", base::escape(entry->path)));
        }
        memory += kEntryBytes + entry->path.size() + entry->object.link_target.size();
        if (entry->first) memory += kLinkBytes;
        if (!entry->checksum.bytes().empty()) memory += kSumBytes;
        if (memory > list_memory) {
            throw wire::malformed("file list", fmt::format("needs more than {} MiB of memory at entry {}",
                                                           list_memory >> 20, list.listing.size()));
        }
        const std::size_t arrival = list.listing.size();
        list.listing.add(entry->path, entry->object);
        if (!entry->checksum.bytes().empty()) list.sums.set(arrival, entry->checksum);
        if (entry->first && static_cast<std::size_t>(*entry->first) != arrival)
            list.listing.link(arrival, static_cast<std::size_t>(*entry->first));
        list.extended.note(arrival, *entry);
        if (!entry->has_content && !list.closed) list.closed = entry->path;
        ++progress.files_listed;
    }
    list.io_error = decoder.io_error();
}

void map_owners(wire::Reader& in, const wire::ListOptions& options, const os::Accounts& accounts,
                ReceivedList& list) {
    tree::OwnerNames names;
    for (const wire::IdName& user : wire::read_ids(in, options)) names.users.emplace(user.id, user.name);
    for (const wire::IdName& group : wire::read_ids(in, options)) names.groups.emplace(group.id, group.name);
    const tree::OwnerMap& map = list.owners.emplace(names, accounts);
    for (std::size_t arrival = 0; arrival < list.listing.size(); ++arrival) {
        const base::Attributes theirs = list.listing[arrival].object.attributes;
        list.listing.set_owner(arrival, map.user(theirs.uid), map.group(theirs.gid));
    }
    list.unknown_owners = map.unknown();
}

}  // namespace

ReceivedList receive_list(wire::Reader& in, const wire::ListOptions& options, base::DigestKind sums,
                          std::uint64_t list_memory, const os::Accounts& accounts, base::Progress& progress) {
    ReceivedList list;
    list.sums = FileSums{sums};
    list.decoder = std::make_unique<wire::EntryDecoder>(options, [&](std::int32_t first) {
        wire::Entry entry;
        entry.object = list.listing[static_cast<std::size_t>(first)].object;
        entry.checksum = list.sums.of(static_cast<std::size_t>(first));
        return entry;
    });
    read_entries(in, *list.decoder, list, list_memory, progress);
    map_owners(in, options, accounts, list);
    list.listing.sort();
    return list;
}

}  // namespace ft::rsync
