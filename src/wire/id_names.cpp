#include "wire/id_names.h"

#include <algorithm>
#include <limits>

#include "ft/wire/file_list.h"

namespace ft::wire {
namespace {

constexpr std::size_t kMostNames = 65536;

std::string checked_name(std::string name) {
    const auto illegal = [](char c) {
        const auto code = static_cast<unsigned char>(c);
        return code < 0x20 || code == 0x7f || c == ':' || c == '/';
    };
    if (std::any_of(name.begin(), name.end(), illegal)) {
        throw malformed("name of an owner", "holds a control character, ':' or '/'");
    }
    return name;
}

}  // namespace

std::uint32_t read_id(Reader& in) {
    const auto id = static_cast<std::uint32_t>(in.varint("number of an owner"));
    constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();
    if (id == kNobody) throw out_of_range("number of an owner", id, 0, kNobody - 1);
    return id;
}

std::string read_id_name(Reader& in) {
    const std::uint8_t length = in.byte("name of an owner");
    if (length == 0) throw malformed("name of an owner", "is empty");
    return checked_name(in.text("name of an owner", length));
}

void write_id_name(Writer& out, std::string_view name) {
    out.byte(static_cast<std::uint8_t>(name.size()));
    out.text(name);
}

bool has_id_lists(const ListOptions& options) { return !options.incremental && !options.numeric_ids; }

void write_ids(Writer& out, const std::vector<IdName>& names, const ListOptions& options) {
    std::string_view of_id0;
    for (const IdName& name : names) {
        if (name.id == 0) {
            of_id0 = name.name;
        } else {
            out.varint(static_cast<std::int32_t>(name.id));
            write_id_name(out, name.name);
        }
    }
    out.varint(0);
    if (options.id0_names) write_id_name(out, of_id0);
}

std::vector<IdName> read_ids(Reader& in, const ListOptions& options) {
    std::vector<IdName> names;
    std::vector<std::uint32_t> ids;
    while (const std::uint32_t id = read_id(in)) {
        if (names.size() == kMostNames) throw malformed("list of owners", "has more than 65536 names");
        names.push_back({id, read_id_name(in)});
        ids.push_back(id);
    }
    std::sort(ids.begin(), ids.end());
    if (std::adjacent_find(ids.begin(), ids.end()) != ids.end())
        throw malformed("list of owners", "names one twice");
    if (!options.id0_names) return names;
    const std::uint8_t length = in.byte("name of owner 0");
    if (length > 0) names.push_back({0, checked_name(in.text("name of owner 0", length))});
    return names;
}

}  // namespace ft::wire
