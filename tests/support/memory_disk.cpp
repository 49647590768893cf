#include "support/memory_disk.h"

#include <cerrno>
#include <stdexcept>

#include "ft/base/error.h"
#include "support/disk_state.h"

namespace ft::test {

thread_local bool DiskMutex::inside = false;

bool in_memory_disk() { return DiskMutex::inside; }

MemoryDisk::State::State() {
    Inode root;
    root.device = 1;
    root.type = base::FileType::directory;
    root.attributes.mode = 0755;
    root.links = 1;
    make_inode(root);
}

void MemoryDisk::State::require_power(std::uint64_t handle_generation) const {
    if (power_lost || generation != handle_generation) throw PowerLoss{};
}

int MemoryDisk::State::begin_change(std::uint64_t handle_generation, std::string_view kind) {
    require_power(handle_generation);
    if (before_change) before_change(kind);
    if (operations + 1 == power_ends_at) {
        power_lost = true;
        throw PowerLoss{};
    }
    ++operations;
    return strike(kind, true);
}

int MemoryDisk::State::begin_read(std::uint64_t handle_generation, std::string_view kind) {
    require_power(handle_generation);
    return strike(kind, false);
}

int MemoryDisk::State::strike(std::string_view kind, bool changes) {
    int code = 0;
    for (auto fault = faults.begin(); fault != faults.end();) {
        const bool meant = fault->kind == kind || (changes && fault->kind.empty());
        if (!meant || fault->step-- > 1) {
            ++fault;
            continue;
        }
        code = fault->code;
        fault->step = 1;
        fault = fault->for_ever ? fault + 1 : faults.erase(fault);
    }
    return code;
}

void MemoryDisk::State::change(std::uint64_t device, decltype(Change::what) what) {
    Change change{.what = std::move(what), .device = device, .sequence = ++sequence};
    current.apply(change);
    log.append(std::move(change));
}

std::uint64_t MemoryDisk::State::make_inode(Inode inode) {
    inode.id = next_inode++;
    inode.mtime_set_by = ++sequence;
    inode.attributes.mtime = inode.ctime = time_of(sequence);
    current.add(inode);
    log.add(inode);
    return inode.id;
}

void MemoryDisk::State::fail_sync(std::uint64_t device, int code) { sync_failures[device].push_back(code); }

std::uint64_t MemoryDisk::State::failed_syncs(std::uint64_t device) const {
    const auto found = sync_failures.find(device);
    return found == sync_failures.end() ? 0 : found->second.size();
}

MemoryDisk::MemoryDisk() : state_{std::make_shared<State>()} {}
MemoryDisk::~MemoryDisk() = default;

std::unique_ptr<os::Directory> MemoryDisk::open(const std::string& path) {
    std::unique_ptr<os::Directory> root;
    {
        const std::lock_guard lock{state_->mutex};
        root = make_memory_directory(state_, state_->current.find(kRootInode), "/");
    }
    if (path == "/") return root;
    if (!path.starts_with('/')) throw base::system_error("open", path, EINVAL);
    return root->open_directory(std::string_view{path}.substr(1));
}

void MemoryDisk::mount(const std::string& path) {
    const std::uint64_t inode = open(path)->status(".")->inode;
    const std::lock_guard lock{state_->mutex};
    for (std::uint64_t device = 1; device <= state_->devices; ++device) state_->log.sync_device(device);
    const auto mounted = state_->current.find(inode);
    if (!mounted->names.empty())
        throw std::logic_error{"a file system is mounted on an empty directory: " + path};
    mounted->device = ++state_->devices;
    mounted->mount_root = true;
    state_->log.add(*mounted);
}

void MemoryDisk::set_capacity(std::uint64_t bytes) {
    const std::lock_guard lock{state_->mutex};
    state_->capacity = bytes;
}

void MemoryDisk::set_most_names(std::uint64_t names) {
    const std::lock_guard lock{state_->mutex};
    state_->most_names = names;
}

std::uint64_t MemoryDisk::shared() const {
    const std::lock_guard lock{state_->mutex};
    return state_->shared;
}

std::uint64_t MemoryDisk::operations() const {
    const std::lock_guard lock{state_->mutex};
    return state_->operations;
}

bool MemoryDisk::run_until_power_loss(std::uint64_t step, const std::function<void()>& action) {
    {
        const std::lock_guard lock{state_->mutex};
        state_->power_ends_at = state_->operations + step;
    }
    const auto power_lost = [this] {
        const std::lock_guard lock{state_->mutex};
        state_->power_ends_at = 0;
        return state_->power_lost;
    };
    try {
        action();
    } catch (const PowerLoss&) {
        power_lost();
        return false;
    } catch (...) {
        if (power_lost()) return false;
        throw;
    }
    return !power_lost();
}

void MemoryDisk::lose_power() {
    const std::lock_guard lock{state_->mutex};
    state_->power_lost = true;
}

void MemoryDisk::restart(Seed seed) {
    const std::lock_guard lock{state_->mutex};
    state_->current = state_->log.settle(state_->power_lost ? static_cast<std::uint64_t>(seed) : 1);
    state_->power_lost = false;
    state_->faults.clear();
    state_->sync_failures.clear();
    ++state_->generation;
}

DiskMoment MemoryDisk::now() const {
    const std::lock_guard lock{state_->mutex};
    return moment({});
}

DiskMoment MemoryDisk::moment(std::string_view next) const {
    DiskMoment moment;
    moment.log_ = std::make_shared<const DiskLog>(state_->log.copy());
    moment.sequence_ = state_->sequence;
    moment.next_inode_ = state_->next_inode;
    moment.next_ = next;
    return moment;
}

std::vector<DiskMoment> MemoryDisk::moments_of(const std::function<void()>& action) {
    std::vector<DiskMoment> moments;
    const auto record = [&](std::function<void(std::string_view)> what) {
        const std::lock_guard lock{state_->mutex};
        state_->before_change = std::move(what);
    };
    record([&](std::string_view kind) { moments.push_back(moment(kind)); });
    try {
        action();
    } catch (...) {
        record({});
        throw;
    }
    record({});
    moments.push_back(now());
    return moments;
}

void MemoryDisk::restart_from(const DiskMoment& moment) {
    const std::lock_guard lock{state_->mutex};
    state_->log = moment.log_->copy();
    state_->current = state_->log.settle(1);
    state_->sequence = moment.sequence_;
    state_->next_inode = moment.next_inode_;
    state_->power_lost = false;
    state_->faults.clear();
    state_->sync_failures.clear();
    ++state_->generation;
}

std::size_t DiskMoment::pending() const { return log_->pending(); }

std::vector<Fate> DiskMoment::fates(std::size_t index) const { return log_->fates(index); }

DiskMoment DiskMoment::after_loss(std::span<const Fate> fates) const {
    DiskLog log = log_->copy();
    log.settle(fates);
    DiskMoment moment = *this;
    moment.log_ = std::make_shared<const DiskLog>(std::move(log));
    return moment;
}

std::string DiskMoment::fingerprint() const { return log_->durable().fingerprint(); }

void MemoryDisk::fail(std::uint64_t step, const std::string& kind, int code, bool for_ever) {
    const std::lock_guard lock{state_->mutex};
    state_->faults.push_back({.step = step, .kind = kind, .code = code, .for_ever = for_ever});
}

}  // namespace ft::test
