#include "ft/staging/staging.h"

#include <deque>
#include <utility>

#include "ft/base/error.h"
#include "ft/base/extended.h"
#include "ft/base/log.h"
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

/// `path` as seen from the root of the ground at `at`, which holds it.
base::RelPath from_ground(const base::RelPath& path, const base::RelPath& at) {
    if (at.is_root()) return path;
    if (path == at) return {};
    return base::RelPath{std::string_view{path.bytes()}.substr(at.bytes().size() + 1)};
}

std::vector<Ground> one_ground(const os::Directory& live, std::unique_ptr<os::Directory> reserved,
                               const std::vector<Generation>& kept) {
    std::vector<Ground> grounds;
    grounds.push_back({{}, &live, std::move(reserved), kept});
    return grounds;
}

}  // namespace

struct Staging::State {
    std::vector<base::RelPath> at;  // of each ground, the tree's own first
    std::deque<Area> areas;         // of each ground

    /// The longest one that holds it.
    std::size_t ground_of(const base::RelPath& path) const {
        std::size_t found = 0;
        for (std::size_t i = 1; i < at.size(); ++i) {
            if (at[i].holds(path) && at[i].depth() > at[found].depth()) found = i;
        }
        return found;
    }

    struct Local {
        Area& area;
        base::RelPath path;
    };
    Local local(const base::RelPath& path) {
        const std::size_t ground = ground_of(path);
        return {areas[ground], from_ground(path, at[ground])};
    }
    /// Of an object that comes, goes or is replaced.
    Local movable(const base::RelPath& path) {
        Local found = local(path);
        if (!found.path.is_root() || path.is_root()) return found;
        throw base::Error{base::ErrorKind::unfit,
                          path.escaped() + ": is a mount point here, which is neither replaced nor removed",
                          "Make it a directory at the source, or unmount what is mounted here."};
    }
};

Staging::Staging(std::vector<Ground> grounds, const std::string& origin) : state_{new State} {
    for (Ground& ground : grounds) {
        state_->at.push_back(ground.at);
        state_->areas.emplace_back(*ground.live, std::move(ground.reserved), ground.kept, origin);
    }
}
Staging::Staging(const os::Directory& live, std::unique_ptr<os::Directory> reserved,
                 const std::vector<Generation>& kept, const std::string& origin)
    : Staging{one_ground(live, std::move(reserved), kept), origin} {}
Staging::~Staging() = default;

std::vector<base::RelPath> Staging::grounds() const { return state_->at; }

void Staging::require_extended(std::size_t ground, const std::vector<ExtendedSample>& samples) {
    state_->areas[ground].require_extended(samples);
}

std::uint64_t Staging::most_names(std::size_t ground) const { return state_->areas[ground].most_names(); }

std::size_t Staging::ground_of(const base::RelPath& path) const { return state_->ground_of(path); }

std::unique_ptr<Slot> Staging::create_file(const base::RelPath& path, Over over, base::DigestKind digest,
                                           std::unique_ptr<const os::File> basis) {
    const auto [area, local] = state_->movable(path);
    try {
        Spot spot = area.spot(local, Area::By::handle);
        std::unique_ptr<os::File> file = spot.directory->create_file(spot.name);
        return std::unique_ptr<Slot>{new Slot{std::make_unique<Slot::State>(
            area, local, path, over, std::move(spot), std::move(file), digest, std::move(basis))}};
    } catch (const base::Error& error) {
        throw error.on(path.bytes());
    }
}

void Staging::create(const base::RelPath& path, Over over, const base::Object& object) {
    const auto [area, local] = state_->movable(path);
    try {
        const Spot spot = area.spot(local, Area::By::path);
        make(spot, object);
        const bool is_directory = object.type == base::FileType::directory;
        // A new directory stays open to us alone until finish: its time would not survive what is put into
        // it.
        if (!is_directory) {
            spot.directory->set_attributes(spot.name, object.attributes);
            if (!object.extended.empty()) spot.directory->set_extended(spot.name, object.extended);
        }
        std::uint64_t inode = 0;
        if (spot.slot != SlotNumber{0}) inode = spot.directory->status(spot.name).value().inode;
        area.record(local, over, spot, inode, false, is_directory ? &object.attributes : nullptr);
        if (is_directory) area.record_directory(local, spot, object);
    } catch (const base::Error& error) {
        throw error.on(path.bytes());
    }
}

void Staging::link(const base::RelPath& path, Over over, const base::RelPath& first) {
    if (state_->ground_of(path) != state_->ground_of(first)) {
        throw base::Error{base::ErrorKind::internal,
                          path.escaped() + ": is linked to a file of another file system"};
    }
    const auto [area, local] = state_->movable(path);
    const std::string from = area.staged(state_->local(first).path);
    try {
        const Spot spot = area.spot(local, Area::By::path);
        area.link(from, spot);
        const os::Status status = spot.directory->status(spot.name).value();
        area.record(local, over, spot, status.inode, status.type == base::FileType::regular);
    } catch (const base::Error& error) {
        throw error.on(path.bytes());
    }
}

void Staging::change_attributes(const base::RelPath& path, const base::Attributes& before,
                                const base::Attributes& after, std::string_view extended_before,
                                std::string_view extended_after) {
    const auto [area, local] = state_->local(path);
    area.record_attributes(local, before, after, extended_before, extended_after);
}

void Staging::remove(const base::RelPath& path) {
    const auto [area, local] = state_->movable(path);
    area.record_removal(local);
}

EarlierFiles Staging::check_earlier(base::Progress& progress, base::Cancellation& cancellation) {
    EarlierFiles sum;
    for (Area& area : state_->areas) {
        const EarlierFiles found = area.earlier().check(progress, cancellation);
        sum.files += found.files;
        sum.bytes += found.bytes;
    }
    return sum;
}

std::vector<EarlierFiles> Staging::of_this_run() const {
    std::vector<EarlierFiles> all;
    for (const Area& area : state_->areas) all.push_back(area.of_this_run());
    return all;
}

void Staging::begin_again() {
    for (Area& area : state_->areas) area.begin_again();
}

bool Staging::can_adopt(const base::RelPath& path, std::uint64_t size, const base::Timestamp& mtime,
                        const std::optional<ContentSum>& content) const {
    const auto [area, local] = state_->local(path);
    return area.earlier().can_adopt(local, size, mtime, content);
}

bool Staging::adopt(const base::RelPath& path, Over over, std::uint64_t size,
                    const base::Attributes& attributes, std::string_view extended) {
    const auto [area, local] = state_->movable(path);
    try {
        return area.adopt(local, over, size, attributes, extended);
    } catch (const base::Error& error) {
        throw error.on(path.bytes());
    }
}

EarlierContent Staging::open_earlier(const base::RelPath& path) const {
    const auto [area, local] = state_->local(path);
    return area.earlier().open(local);
}

bool Staging::is_new(const base::RelPath& path) const {
    const auto [area, local] = state_->local(path);
    return area.is_new(local);
}

void Staging::sync_behind() {
    for (Area& area : state_->areas) area.sync_behind();
}

void Staging::settle() {
    for (Area& area : state_->areas) area.complete();
    const auto holds_nothing = [](const Area& area) { return area.holds_nothing(); };
    if (!std::all_of(state_->areas.begin(), state_->areas.end(), holds_nothing)) sync();
}

std::vector<ChangeList> Staging::finish_all() {
    std::vector<ChangeList> lists;
    for (Area& area : state_->areas) lists.push_back(area.finish());
    return lists;
}

ChangeList Staging::finish() {
    if (state_->areas.size() != 1)
        throw base::Error{base::ErrorKind::internal, "the one list of a tree on several file systems"};
    return state_->areas.front().finish();
}

void Staging::sync() {
    try {
        for (Area& area : state_->areas) area.sync();
    } catch (const base::Error&) {
        discard();
        throw;
    }
}

void Staging::give_up() {
    for (Area& area : state_->areas) area.give_up();
}

void Staging::discard() {
    for (Area& area : state_->areas) {
        try {
            area.discard();
        } catch (const base::Error& error) {
            base::log_warning("{}", error.what());
        }
    }
}

}  // namespace ft::staging
