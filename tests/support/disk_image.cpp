#include "support/disk_image.h"

#include <algorithm>
#include <set>

#include "ft/base/acl.h"
#include "ft/base/bytes.h"
#include "ft/base/extended.h"

namespace ft::test {
namespace {

constexpr std::uint64_t kBlock = 4096;

template <typename... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

/// Calls `action(block, offset in it, position in the range, length)` for each block of a range.
template <typename Action>
void for_each_block(std::uint64_t offset, std::uint64_t length, Action action) {
    for (std::uint64_t done = 0; done < length;) {
        const std::uint64_t within = (offset + done) % kBlock;
        const std::uint64_t here = std::min(kBlock - within, length - done);
        action((offset + done) / kBlock, within, done, here);
        done += here;
    }
}

/// FNV-1a of what fingerprint tells of an inode.
std::uint64_t print_of(const Inode& inode) {
    std::uint64_t print = 14'695'981'039'346'656'037U;
    const auto add = [&](std::string_view bytes) {
        for (const char byte : bytes) print = (print ^ static_cast<unsigned char>(byte)) * 1'099'511'628'211U;
    };
    const auto number = [&](std::uint64_t value) {
        add({reinterpret_cast<const char*>(&value), sizeof value});
    };
    const base::Attributes& is = inode.attributes;
    const bool given = is.mtime < time_of(0);
    number(given ? static_cast<std::uint64_t>(is.mtime.seconds) : 0);
    number(given ? is.mtime.nanoseconds : 1);
    for (const std::uint64_t value :
         {static_cast<std::uint32_t>(inode.type), is.mode, is.uid, is.gid, inode.major, inode.minor})
        number(value);
    std::string content(inode.content.size(), '\0');
    inode.content.read(0, std::as_writable_bytes(std::span{content}));
    for (const std::string_view bytes :
         {std::string_view{content}, std::string_view{inode.target}, std::string_view{inode.extended}}) {
        number(bytes.size());
        add(bytes);
    }
    for (const auto& [name, id] : inode.names) {
        add(name);
        number(id);
    }
    return print == 0 ? 1 : print;
}

std::optional<base::Acl> access_acl(const Inode& inode) {
    const auto value = base::find_extended(inode.extended, base::kAccessAcl);
    return value ? base::from_kernel(*value) : std::nullopt;
}

/// What a change of owner and mode makes of ACL and capabilities.
void follow_attributes(Inode& inode) {
    if (inode.extended.empty()) return;
    if (inode.type != base::FileType::directory)
        inode.extended = base::with_extended(inode.extended, "security.capability", std::nullopt);
    auto acl = access_acl(inode);
    if (!acl) return;
    base::set_mode(*acl, inode.attributes.mode);
    inode.extended = base::with_extended(inode.extended, base::kAccessAcl, base::to_kernel(*acl));
}

}  // namespace

std::size_t Content::read(std::uint64_t offset, std::span<std::byte> into) const {
    if (offset >= size_) return 0;
    const std::uint64_t length = std::min<std::uint64_t>(into.size(), size_ - offset);
    std::fill_n(into.begin(), length, std::byte{0});
    for_each_block(offset, length, [&](auto block, auto within, auto position, auto here) {
        const auto found = blocks_.find(block);
        if (found == blocks_.end() || found->second.size() <= within) return;
        const auto kept = base::as_bytes(found->second).subspan(within);
        std::copy_n(kept.begin(), std::min<std::uint64_t>(here, kept.size()), into.begin() + position);
    });
    return length;
}

void Content::write(std::uint64_t offset, std::span<const std::byte> data) {
    const std::string_view text = base::as_text(data);
    for_each_block(offset, data.size(), [&](auto block, auto within, auto position, auto here) {
        std::string& kept = blocks_[block];
        if (kept.size() < within + here) kept.resize(within + here);
        kept.replace(within, here, text.substr(position, here));
    });
    if (!data.empty()) size_ = std::max(size_, offset + data.size());
}

void Content::resize(std::uint64_t size) {
    size_ = size;
    blocks_.erase(blocks_.lower_bound((size + kBlock - 1) / kBlock), blocks_.end());
    const auto last = blocks_.find(size / kBlock);
    if (last != blocks_.end() && last->second.size() > size % kBlock) last->second.resize(size % kBlock);
}

std::uint64_t Content::used() const {
    std::uint64_t sum = 0;
    for (const auto& [block, kept] : blocks_) sum += kept.size();
    return sum;
}

std::uint64_t Content::growth(std::uint64_t offset, std::uint64_t length) const {
    std::uint64_t sum = 0;
    for_each_block(offset, length, [&](auto block, auto within, auto, auto here) {
        const auto found = blocks_.find(block);
        const std::uint64_t kept = found == blocks_.end() ? 0 : found->second.size();
        sum += std::max(kept, within + here) - kept;
    });
    return sum;
}

std::uint64_t Content::allocated() const { return blocks_.size() * kBlock; }

std::uint64_t Change::inode() const {
    return std::visit(Overloaded{[](const NameChange&) { return std::uint64_t{0}; },
                                 [](const auto& change) { return change.inode; }},
                      what);
}

void DiskImage::add(const Inode& inode) { inodes_[inode.id] = std::make_shared<Inode>(inode); }

std::shared_ptr<Inode> DiskImage::find(std::uint64_t id) const {
    const auto found = inodes_.find(id);
    return found == inodes_.end() ? nullptr : found->second;
}

bool DiskImage::lies_in(std::uint64_t directory, std::uint64_t ancestor) const {
    for (auto at = find(directory); at != nullptr; at = find(at->parent)) {
        if (at->id == ancestor) return true;
    }
    return false;
}

bool DiskImage::fits(const Change& change) const {
    const NameChange* names = change.names();
    return names != nullptr ? names_fit(*names) : find(change.inode()) != nullptr;
}

bool DiskImage::names_fit(const NameChange& change) const {
    for (const NameEdit& edit : change) {
        const auto directory = find(edit.directory);
        if (directory == nullptr) return false;
        const auto name = directory->names.find(edit.name);
        if ((name == directory->names.end() ? 0 : name->second) != edit.before) return false;
        if (edit.after != 0 && lies_in(edit.directory, edit.after)) return false;
    }
    const auto goes = find(change.front().before);
    if (change.size() == 1) return goes == nullptr || goes->names.empty();
    // Nothing that has a place in the tree is moved to where it has none.
    const bool from = lies_in(change[0].directory, kRootInode);
    const bool to = lies_in(change[1].directory, kRootInode);
    const bool exchange = change[0].after != 0;
    return exchange ? from == to : to || !from;
}

void DiskImage::apply(const Change& change) {
    const base::Timestamp now = time_of(change.sequence);
    const auto touch = [&](Inode& inode, const base::Timestamp& mtime) {
        inode.ctime = std::max(inode.ctime, now);
        if (inode.mtime_set_by > change.sequence) return;  // durable already, by another way
        inode.attributes.mtime = mtime;
        inode.mtime_set_by = change.sequence;
    };
    std::visit(Overloaded{[&](const NameChange& edits) { apply_names(change, edits); },
                          [&](const Write& write) {
                              const auto file = own(write.inode);
                              file->content.write(write.offset, base::as_bytes(write.data));
                              touch(*file, now);
                          },
                          [&](const Resize& resize) {
                              const auto file = own(resize.inode);
                              file->content.resize(resize.size);
                              touch(*file, now);
                          },
                          [&](const SetAttributes& set) {
                              const auto object = own(set.inode);
                              const base::Timestamp mtime = object->attributes.mtime;
                              object->attributes = set.attributes;
                              object->attributes.mtime = mtime;
                              touch(*object, set.attributes.mtime);
                              follow_attributes(*object);
                          },
                          [&](const SetExtended& set) {
                              const auto object = own(set.inode);
                              object->extended = set.packed;
                              object->ctime = std::max(object->ctime, now);
                              if (const auto acl = access_acl(*object))
                                  object->attributes.mode = base::with_acl(object->attributes.mode, *acl);
                          }},
               change.what);
}

void DiskImage::apply_names(const Change& change, const NameChange& edits) {
    const base::Timestamp now = time_of(change.sequence);
    for (const NameEdit& edit : edits) {
        const auto directory = own(edit.directory);
        if (const auto gone = own(edit.before)) {
            if (--gone->links == 0) gone->parent = 0;
            gone->ctime = std::max(gone->ctime, now);
            directory->names.erase(edit.name);
        }
        if (const auto come = own(edit.after)) {
            ++come->links;
            come->ctime = std::max(come->ctime, now);
            come->parent = edit.directory;
            directory->names[edit.name] = come->id;
        }
        directory->ctime = std::max(directory->ctime, now);
        if (directory->mtime_set_by > change.sequence) continue;
        directory->attributes.mtime = now;
        directory->mtime_set_by = change.sequence;
    }
}

std::uint64_t DiskImage::used() const {
    std::uint64_t sum = 0;
    for (const auto& [id, inode] : inodes_) {
        if (inode->links > 0) sum += inode->content.used();
    }
    return sum;
}

std::shared_ptr<Inode> DiskImage::own(std::uint64_t id) {
    const auto found = inodes_.find(id);
    if (found == inodes_.end()) return nullptr;
    if (shares_ && found->second.use_count() > 1) found->second = std::make_shared<Inode>(*found->second);
    found->second->print = 0;
    return found->second;
}

std::vector<std::uint64_t> DiskImage::reachable_ids() const {
    std::set<std::uint64_t> seen;
    std::vector<std::uint64_t> left{kRootInode};
    while (!left.empty()) {
        const std::uint64_t id = left.back();
        left.pop_back();
        if (!seen.insert(id).second) continue;
        for (const auto& [name, inside] : find(id)->names) left.push_back(inside);
    }
    return {seen.begin(), seen.end()};
}

DiskImage DiskImage::reachable() const {
    DiskImage copy;
    for (const std::uint64_t id : reachable_ids()) copy.add(*find(id));
    return copy;
}

DiskImage DiskImage::copy() const {
    DiskImage copy;
    copy.inodes_ = inodes_;
    copy.shares_ = shares_ = true;
    return copy;
}

std::string DiskImage::fingerprint() const {
    std::string text;
    for (const std::uint64_t id : reachable_ids()) {
        const auto inode = find(id);
        if (inode->print == 0) inode->print = print_of(*inode);
        for (const std::uint64_t number : {id, inode->print})
            text.append(reinterpret_cast<const char*>(&number), sizeof number);
    }
    return text;
}

base::Timestamp time_of(std::uint64_t sequence) {
    return {.seconds = 1'700'000'000 + static_cast<std::int64_t>(sequence), .nanoseconds = 0};
}

}  // namespace ft::test
