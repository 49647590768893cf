#include "support/disk_log.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <set>
#include <stdexcept>
#include <utility>

#include "ft/base/bytes.h"

namespace ft::test {
namespace {

bool is_write(const Change& change) { return std::holds_alternative<Write>(change.what); }

/// True when directories are moved or removed.
bool changes_shape(const DiskImage& image, const Change& change) {
    if (change.names() == nullptr) return false;
    return std::any_of(change.names()->begin(), change.names()->end(), [&](const NameEdit& edit) {
        const auto object = image.find(edit.before);
        return object != nullptr && object->type == base::FileType::directory;
    });
}

/// What of `write` arrived: all, a first part, or only the size that it gave to the file.
void tear(DiskImage& image, Change change, std::mt19937_64& random) {
    auto& write = std::get<Write>(change.what);
    const std::uint64_t end = write.offset + write.data.size();
    switch (random() % 3) {
        case 0:
            break;
        case 1:
            write.data.resize(random() % (write.data.size() + 1));
            break;
        default:
            if (image.find(write.inode)->content.size() >= end) return;
            change.what = Resize{.inode = write.inode, .size = end};
    }
    image.apply(change);
}

void damage(DiskImage& image, Change change, Fate fate) {
    auto& write = std::get<Write>(change.what);
    const std::size_t half = write.data.size() / 2;
    if (fate == Fate::half) {
        write.data.resize(half);
    } else if (fate == Fate::tail) {
        write.offset += half;
        write.data.erase(0, half);
    } else {
        const std::uint64_t end = write.offset + write.data.size();
        if (image.find(write.inode)->content.size() >= end) return;
        change.what = Resize{.inode = write.inode, .size = end};
    }
    image.apply(change);
}

}  // namespace

void DiskLog::make_durable(const std::function<bool(const Change&)>& wanted) {
    for (auto change = pending_.begin(); change != pending_.end();) {
        if (!wanted(*change) || change->abandoned) {
            ++change;
            continue;
        }
        // The shape of the tree reaches the disk in order, and so does what a change of names rests on by
        // more than those names: a directory that is empty by now, or that is new itself.
        if (changes_shape(durable_, *change) || !durable_.fits(*change)) {
            make_durable([sequence = change->sequence, device = change->device](const Change& other) {
                return other.names() != nullptr && other.device == device && other.sequence < sequence;
            });
        }
        if (!durable_.fits(*change))
            throw std::logic_error{"the disk in memory lost the order of its changes"};
        durable_.apply(*change);
        change = pending_.erase(change);
    }
}

void DiskLog::sync_inode(std::uint64_t inode) {
    std::set<std::uint64_t> wanted;
    std::set<std::pair<std::uint64_t, std::string>> names;
    for (auto change = pending_.rbegin(); change != pending_.rend(); ++change) {
        bool touches = change->inode() == inode;
        if (const NameChange* edits = change->names()) {
            for (const NameEdit& edit : *edits) {
                touches = touches || edit.directory == inode || names.contains({edit.directory, edit.name});
            }
            if (!touches) continue;
            for (const NameEdit& edit : *edits) names.emplace(edit.directory, edit.name);
        }
        if (touches) wanted.insert(change->sequence);
    }
    make_durable([&](const Change& change) { return wanted.contains(change.sequence); });
}

void DiskLog::sync_device(std::uint64_t device) {
    make_durable([&](const Change& change) { return change.device == device; });
}

void DiskLog::give_up_inode(std::uint64_t inode) {
    for (Change& change : pending_) {
        if (is_write(change) && change.inode() == inode) change.abandoned = true;
    }
}

void DiskLog::give_up_device(std::uint64_t device) {
    for (Change& change : pending_) {
        if (is_write(change) && change.device == device) change.abandoned = true;
    }
}

const Content* DiskLog::forget_given_up(std::uint64_t inode) {
    const auto is_of = [&](const Change& change) { return is_write(change) && change.inode() == inode; };
    if (std::any_of(pending_.begin(), pending_.end(),
                    [&](const Change& change) { return is_of(change) && !change.abandoned; }))
        return nullptr;
    std::erase_if(pending_, is_of);
    const auto there = durable_.find(inode);
    return there ? &there->content : nullptr;
}

DiskImage DiskLog::settle(std::uint64_t seed) {
    std::mt19937_64 random{seed};
    for (const Change& change : pending_) {
        const bool kept = seed == 1 || (seed != 0 && random() % 2 == 0);
        if (!kept || !durable_.fits(change)) continue;
        if (seed != 1 && is_write(change)) {
            tear(durable_, change, random);
        } else {
            durable_.apply(change);
        }
    }
    pending_.clear();
    durable_ = durable_.reachable();
    return durable_.reachable();
}

DiskLog DiskLog::copy() const {
    DiskLog copy;
    copy.durable_ = durable_.copy();
    copy.pending_ = pending_;
    return copy;
}

std::vector<Fate> DiskLog::fates(std::size_t index) const {
    const Change& change = *std::next(pending_.begin(), static_cast<std::ptrdiff_t>(index));
    if (is_write(change)) return {Fate::lost, Fate::kept, Fate::half, Fate::size, Fate::tail};
    return {Fate::lost, Fate::kept};
}

void DiskLog::settle(std::span<const Fate> fates) {
    if (fates.size() != pending_.size()) throw std::logic_error{"a fate for each pending change"};
    auto fate = fates.begin();
    for (const Change& change : pending_) {
        const Fate its = *fate++;
        if (its == Fate::lost || !durable_.fits(change)) continue;
        if (its == Fate::kept || !is_write(change)) {
            durable_.apply(change);
        } else {
            damage(durable_, change, its);
        }
    }
    pending_.clear();
}

}  // namespace ft::test
