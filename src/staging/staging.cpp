#include "ft/staging/staging.h"

#include "ft/base/error.h"
#include "staging/area.h"
#include "staging/slot_state.h"

namespace ft::staging {
namespace {

void make(const Spot& spot, const base::Object& object) {
    switch (object.type) {
        case base::FileType::directory:
            return spot.directory->create_directory(spot.name);
        case base::FileType::symlink:
            return spot.directory->create_symlink(spot.name, object.link_target);
        case base::FileType::regular:
            throw base::Error{base::ErrorKind::internal, "a file is staged by its content"};
        default:
            return spot.directory->create_special(spot.name, object.type, object.device_major,
                                                  object.device_minor);
    }
}

}  // namespace

struct Staging::State {
    Area area;
};

Staging::Staging(const os::Directory& live, std::unique_ptr<os::Directory> reserved,
                 const std::vector<Generation>& kept)
    : state_{new State{Area{live, std::move(reserved), kept}}} {}
Staging::~Staging() = default;

std::unique_ptr<Slot> Staging::create_file(const base::RelPath& path, Over over, base::DigestKind digest,
                                           std::unique_ptr<const os::File> basis) {
    try {
        Spot spot = state_->area.spot(path, Area::By::handle);
        std::unique_ptr<os::File> file = spot.directory->create_file(spot.name);
        return std::unique_ptr<Slot>{new Slot{std::make_unique<Slot::State>(
            state_->area, path, over, std::move(spot), std::move(file), digest, std::move(basis))}};
    } catch (const base::Error& error) {
        throw error.on(path.bytes());
    }
}

void Staging::create(const base::RelPath& path, Over over, const base::Object& object) {
    try {
        const Spot spot = state_->area.spot(path, Area::By::path);
        make(spot, object);
        const bool is_directory = object.type == base::FileType::directory;
        // A new directory stays open to us alone until finish: its time would not survive what is put into
        // it.
        if (!is_directory) spot.directory->set_attributes(spot.name, object.attributes);
        std::uint64_t inode = 0;
        if (spot.slot != SlotNumber{0}) inode = spot.directory->status(spot.name).value().inode;
        state_->area.record(path, over, spot, inode, false, is_directory ? &object.attributes : nullptr);
        if (is_directory) state_->area.record_directory(path, spot, object.attributes);
    } catch (const base::Error& error) {
        throw error.on(path.bytes());
    }
}

void Staging::change_attributes(const base::RelPath& path, const base::Attributes& before,
                                const base::Attributes& after) {
    state_->area.record_attributes(path, before, after);
}

void Staging::remove(const base::RelPath& path) { state_->area.record_removal(path); }

void Staging::begin_again() { state_->area.begin_again(); }

bool Staging::can_adopt(const base::RelPath& path, std::uint64_t size, const base::Timestamp& mtime) const {
    const Earlier* earlier = state_->area.earlier();
    const auto status = earlier != nullptr ? earlier->status(path) : std::nullopt;
    return status && status->size == size && status->attributes.mtime == mtime;
}

void Staging::adopt(const base::RelPath& path, Over over, const base::Attributes& attributes) {
    try {
        const Spot spot = state_->area.spot(path, Area::By::handle);
        state_->area.earlier()->move(path, *spot.directory, spot.name);
        const os::Status status = spot.directory->status(spot.name).value();
        if (status.attributes != attributes) spot.directory->set_attributes(spot.name, attributes);
        state_->area.record(path, over, spot, status.inode, true);
    } catch (const base::Error& error) {
        throw error.on(path.bytes());
    }
}

std::unique_ptr<const os::File> Staging::open_earlier(const base::RelPath& path) const {
    const Earlier* earlier = state_->area.earlier();
    return earlier != nullptr ? earlier->open(path) : nullptr;
}

bool Staging::is_new(const base::RelPath& path) const { return state_->area.is_new(path); }

ChangeList Staging::finish() { return state_->area.finish(); }

void Staging::sync() { state_->area.sync(); }

void Staging::discard() { state_->area.discard(); }

}  // namespace ft::staging
