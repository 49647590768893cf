#include "fuzz/decoding.h"

#include <map>
#include <string>

#include "ft/base/rel_path.h"

using namespace ft;

namespace {

/// The first name of a group as it came, whose texts are its own.
struct First {
    explicit First(const wire::Entry& entry)
        : object{entry.object}, target{entry.object.link_target}, checksum{entry.checksum} {}
    wire::Entry entry() const {
        wire::Entry entry;
        entry.object = object;
        entry.object.link_target = target;
        entry.checksum = checksum;
        return entry;
    }
    base::Object object;
    std::string target;
    base::Digest checksum;
};

template <typename Value>
bool is_same(const Value* one, const Value* other) {
    return one == nullptr || other == nullptr ? one == other : *one == *other;
}

/// Decodes the lists, writes them once more, and gets what was legal as it was.
void decode_lists(wire::Reader& in, const wire::ListOptions& options) {
    std::map<std::int32_t, First> firsts;  // of hard links, by number
    wire::ListNumbers numbers{options};
    const auto lookup = [&](std::int32_t number) { return firsts.at(number).entry(); };
    wire::EntryDecoder decoder{options, lookup};
    wire::EntryEncoder encoder{options};
    wire::EntryDecoder second_decoder{options, lookup};
    wire::IndexReader indices;
    while (true) {
        while (const auto entry = decoder.next(in)) {
            if (!base::RelPath::fault(entry->path).empty()) std::abort();
            if (entry->first && (!options.hard_links || entry->object.type == base::FileType::directory))
                std::abort();
            if (entry->first == numbers.next) firsts.emplace(numbers.next, First{*entry});
            if (entry->first && !firsts.contains(*entry->first)) std::abort();
            ++numbers.next;
            wire::Writer out;
            encoder.write(out, *entry);
            test::Bytes source{out.take()};
            wire::Reader again{source};
            const auto second = second_decoder.next(again);
            const bool same =
                second && second->path == entry->path && second->user.size() <= entry->user.size() &&
                second->object.attributes == entry->object.attributes &&
                second->object.size == entry->object.size &&
                second->object.link_target == entry->object.link_target &&
                second->object.device_major == entry->object.device_major && second->first == entry->first &&
                again.at_end() && is_same(entry->access_acl, second->access_acl) &&
                is_same(entry->default_acl, second->default_acl) && is_same(entry->xattrs, second->xattrs);
            if (!same) std::abort();
        }
        numbers.end_list();
        wire::Writer out;
        encoder.write_end(out, 0);
        test::Bytes source{out.take()};
        wire::Reader again{source};
        if (second_decoder.next(again)) std::abort();
        if (!options.incremental) break;
        if (indices.read(in, 0, true) > wire::kFlistOffset) return;
    }
    if (wire::has_id_lists(options)) {
        wire::read_ids(in, options);
        wire::read_ids(in, options);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const base::Bytes stream = fuzz::data_stream(std::as_bytes(std::span{bytes, size}));
    for (const wire::ListOptions& options :
         {wire::ListOptions{}, wire::ListOptions{.incremental = true},
          wire::ListOptions{.protocol = 30, .varint_flags = false, .safe_end = false, .id0_names = false},
          wire::ListOptions{.hard_links = true},
          wire::ListOptions{.incremental = true, .hard_links = true, .acls = true, .xattrs = true},
          wire::ListOptions{.hard_links = true, .acls = true, .xattrs = true},
          wire::ListOptions{.incremental = true, .hard_links = true},
          wire::ListOptions{.protocol = 30, .varint_flags = false, .hard_links = true, .checksum_bytes = 16},
          wire::ListOptions{
              .varint_flags = false, .numeric_ids = true, .links = false, .checksum_bytes = 16}}) {
        fuzz::decode_all(stream, [&](wire::Reader& in) { decode_lists(in, options); });
    }
    return 0;
}
