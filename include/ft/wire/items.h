#pragma once

#include <cstdint>
#include <string>

#include "ft/wire/index.h"
#include "ft/wire/reader.h"
#include "ft/wire/writer.h"

namespace ft::wire {

/// Flags of a request or report.
enum ItemFlags : std::uint16_t {
    kReportAtime = 0x0001,
    kReportChange = 0x0002,
    kReportSize = 0x0004,
    kReportTime = 0x0008,
    kReportPerms = 0x0010,
    kReportOwner = 0x0020,
    kReportGroup = 0x0040,
    kReportAcl = 0x0080,
    kReportXattr = 0x0100,
    kReportCrtime = 0x0400,
    kBasisTypeFollows = 0x0800,
    kXnameFollows = 0x1000,
    kIsNew = 0x2000,
    kLocalChange = 0x4000,
    kTransfer = 0x8000,
};

constexpr std::uint8_t kBasisIsFile = 0x80;  ///< the file itself, also when no basis type follows

/// A request or report of the generator, and its echo, which is equal.
struct Item {
    std::int32_t index = 0;
    std::uint16_t flags = 0;
    std::uint8_t basis = kBasisIsFile;  ///< on the wire with kBasisTypeFollows
    std::string extra_name{};           ///< on the wire with kXnameFollows; at most 4095 bytes, never opened
    bool operator==(const Item&) const = default;
};

/// What follows `index`, up to the sum head; with `xattrs` and kReportXattr numbers or values of extended
/// attributes are next (ft/wire/extended.h). Error peer for undefined flags and those of options not in use.
Item read_item(Reader& in, std::int32_t index, bool xattrs = false);
void write_item(Writer& out, IndexWriter& indices, const Item& item);

/// What a sender says about the session at its end; none below 0.
struct Statistics {
    std::int64_t bytes_read = 0;
    std::int64_t bytes_written = 0;
    std::int64_t total_size = 0;
    std::int64_t list_build_ms = 0;
    std::int64_t list_send_ms = 0;
    bool operator==(const Statistics&) const = default;
};
Statistics read_statistics(Reader& in);
void write_statistics(Writer& out, const Statistics& statistics);

/// What follows kDeleteStats: deleted objects by type, each 0 to 2^28.
struct DeleteStatistics {
    std::int32_t files = 0;
    std::int32_t directories = 0;
    std::int32_t links = 0;
    std::int32_t devices = 0;
    std::int32_t specials = 0;
    bool operator==(const DeleteStatistics&) const = default;
};
DeleteStatistics read_delete_statistics(Reader& in);
void write_delete_statistics(Writer& out, const DeleteStatistics& statistics);

}  // namespace ft::wire
