#include "ft/wire/items.h"

#include <fmt/format.h>

#include <limits>

namespace ft::wire {
namespace {

constexpr std::uint16_t kUnused = 0x0200;
constexpr std::size_t kLongestName = 4095;
constexpr std::int32_t kMostDeleted = 1 << 28;

}  // namespace

Item read_item(Reader& in, std::int32_t index, bool xattrs) {
    Item item{.index = index, .flags = in.u16("item flags")};
    const std::uint16_t unused = xattrs ? kUnused : kUnused | kReportXattr;
    if ((item.flags & unused) != 0) {
        throw malformed("item flags", fmt::format("0x{:04x} hold some that are not in use", item.flags));
    }
    if ((item.flags & kBasisTypeFollows) != 0) item.basis = in.byte("basis type");
    if ((item.flags & kXnameFollows) != 0) item.extra_name = in.vstring("extra name", kLongestName);
    if (item.extra_name.find('\0') != std::string::npos) throw malformed("extra name", "holds a NUL byte");
    return item;
}

void write_item(Writer& out, IndexWriter& indices, const Item& item) {
    indices.write(out, item.index);
    out.u16(item.flags);
    if ((item.flags & kBasisTypeFollows) != 0) out.byte(item.basis);
    if ((item.flags & kXnameFollows) != 0) out.vstring(item.extra_name);
}

Statistics read_statistics(Reader& in) {
    const auto next = [&in] {
        return in.varlong("statistics", 3, 0, std::numeric_limits<std::int64_t>::max());
    };
    return {next(), next(), next(), next(), next()};  // braces: in this order
}

void write_statistics(Writer& out, const Statistics& statistics) {
    const auto& [read, written, size, build, send] = statistics;
    for (const std::int64_t value : {read, written, size, build, send}) out.varlong(value, 3);
}

DeleteStatistics read_delete_statistics(Reader& in) {
    const auto next = [&in] { return in.varint("deletion statistics", 0, kMostDeleted); };
    return {next(), next(), next(), next(), next()};
}

void write_delete_statistics(Writer& out, const DeleteStatistics& statistics) {
    const auto& [files, directories, links, devices, specials] = statistics;
    for (const std::int32_t value : {files, directories, links, devices, specials}) out.varint(value);
}

}  // namespace ft::wire
