#include "staging/earlier.h"

#include <algorithm>
#include <utility>

#include "ft/base/bytes.h"
#include "ft/base/error.h"
#include "ft/base/log.h"
#include "ft/staging/names.h"

namespace ft::staging {
namespace {

constexpr std::size_t kPiece = 1024 * 1024;  // bytes read at once
constexpr std::size_t kMostGenerations = 1000;

/// Errors of one staged file make it useless, no more.
void require_local(const base::Error& error) {
    if (error.kind() != base::ErrorKind::io && error.kind() != base::ErrorKind::permission) throw error;
}

}  // namespace

LogEntry Earlier::Record::entry() const {
    return {.path = path,
            .slot = slot,
            .top = top,
            .complete = state != State::begun,
            .size = size,
            .mtime = mtime,
            .kind = kind,
            .digest = whole_digest()};
}

bool Earlier::is_full() const { return directories_.size() >= kMostGenerations; }

bool Earlier::add(Generation generation, std::unique_ptr<os::Directory> directory, bool of_this_run) {
    const auto held = static_cast<std::uint16_t>(directories_.size());
    std::vector<Record> found;
    const bool unproved = directory->status(kUnproved).has_value();
    read_log(*directory, [&](LogEntry entry) {
        Record& record = found.emplace_back();
        record.path = std::move(entry.path);
        record.size = entry.size;
        record.mtime = entry.mtime;
        std::copy(entry.digest.bytes().begin(), entry.digest.bytes().end(), record.digest.begin());
        record.slot = entry.slot;
        record.top = static_cast<std::uint32_t>(entry.top);
        record.held = held;
        record.kind = entry.kind;
        if (entry.complete && !unproved) record.state = of_this_run ? State::complete : State::unchecked;
    });
    if (found.empty()) return false;
    std::erase_if(records_, [](const Record& record) { return record.state == State::gone; });
    // What is said last of a path is what holds.
    std::reverse(found.begin(), found.end());
    std::stable_sort(found.begin(), found.end(),
                     [](const Record& a, const Record& b) { return a.path < b.path; });
    auto end = std::unique(found.begin(), found.end(),
                           [](const Record& a, const Record& b) { return a.path == b.path; });
    // What a later run has adopted is in the log of that one.
    const auto is_away = [&](const Record& record) {
        try {
            return !is_there(*directory, record);
        } catch (const base::Error& error) {
            require_local(error);
            return false;  // the check finds out
        }
    };
    if (!of_this_run) end = std::remove_if(found.begin(), end, is_away);
    if (end == found.begin()) return false;
    const auto before = static_cast<std::ptrdiff_t>(records_.size());
    records_.insert(records_.end(), std::move_iterator{found.begin()}, std::move_iterator{end});
    std::inplace_merge(records_.begin(), records_.begin() + before, records_.end(),
                       [](const Record& a, const Record& b) {
                           const int order = a.path.compare(b.path);
                           return order < 0 || (order == 0 && a.held > b.held);
                       });
    directories_.push_back({std::move(directory), of_this_run});
    numbers_.push_back(generation);
    prune();
    return true;
}

bool Earlier::is_there(const os::Directory& directory, const Record& record) {
    const auto status = directory.status(record.entry().place());
    return status && status->type == base::FileType::regular;
}

std::vector<Generation> Earlier::take_empty() {
    const std::lock_guard lock{mutex_};
    std::erase_if(records_, [](const Record& record) { return record.state == State::gone; });
    std::vector<bool> needed(directories_.size());
    for (const Record& record : records_) needed[record.held] = true;
    std::vector<Generation> empty;
    std::vector<std::uint16_t> now(directories_.size());
    std::vector<Held> directories;
    std::vector<Generation> numbers;
    for (std::size_t held = 0; held < directories_.size(); ++held) {
        if (!needed[held]) {
            empty.push_back(numbers_[held]);
            continue;
        }
        now[held] = static_cast<std::uint16_t>(directories.size());
        directories.push_back(std::move(directories_[held]));
        numbers.push_back(numbers_[held]);
    }
    for (Record& record : records_) record.held = now[record.held];
    directories_ = std::move(directories);
    numbers_ = std::move(numbers);
    return empty;
}

/// Whatever is tried again and again, its leftovers take no more room each time: of each path stays the
/// newest complete file, and of those begun after it the longest.
void Earlier::prune() {
    for (std::size_t first = 0; first < records_.size();) {
        std::size_t end = first + 1;
        while (end < records_.size() && records_[end].path == records_[first].path) ++end;
        if (end - first > 1) prune(std::span{records_}.subspan(first, end - first));
        first = end;
    }
}

void Earlier::prune(std::span<Record> same_path) {
    bool is_whole = false;
    Record* longest = nullptr;
    std::uint64_t length = 0;
    for (Record& record : same_path) {
        if (record.state == State::gone) continue;
        if (is_whole) {
            drop(record);
        } else if (record.state != State::begun) {
            is_whole = true;
        } else {
            const auto status = directories_[record.held].directory->status(record.entry().place());
            const std::uint64_t here = status ? status->size : 0;
            Record* const shorter = longest == nullptr || here > length ? longest : &record;
            if (shorter != &record) {
                longest = &record;
                length = here;
            }
            if (shorter != nullptr) drop(*shorter);
        }
    }
}

void Earlier::drop(Record& record) {
    record.state = State::gone;
    try {
        os::remove_all(*directories_[record.held].directory, record.entry().place());
    } catch (const base::Error& error) {  // goes with its generation
        base::log_info("{}", error.what());
    }
}

EarlierFiles Earlier::check(base::Progress& progress, base::Cancellation& cancellation) {
    EarlierFiles sum;
    for (Record& record : records_) {
        if (record.state != State::unchecked) continue;
        const bool good = fits(record, progress, cancellation);
        record.state = good ? State::complete : State::begun;
        if (!good) continue;
        ++sum.files;
        sum.bytes += record.size;
    }
    return sum;
}

bool Earlier::fits(const Record& record, base::Progress& progress, base::Cancellation& cancellation) const {
    cancellation.check();
    try {
        const auto file = open(record);
        if (!file || file->status().size != record.size) return false;
        // A write that failed since may show in memory for long; whoever heard of it is gone.
        file->drop_cached();
        base::Hasher hasher{record.kind};
        base::Bytes piece(static_cast<std::size_t>(std::min<std::uint64_t>(record.size, kPiece)));
        for (std::uint64_t at = 0; at < record.size;) {
            cancellation.check();
            const std::size_t length = file->read_at(at, piece);
            if (length == 0) return false;
            hasher.update(std::span{piece}.first(length));
            at += length;
            progress.bytes_checked += length;
        }
        return hasher.finish() == record.whole_digest();
    } catch (const base::Error& error) {
        require_local(error);
        base::log_warning("a staged file of an earlier run is not used: {}", error.what());
        return false;
    }
}

const Earlier::Record* Earlier::find(const base::RelPath& path, std::uint64_t size,
                                     const base::Timestamp& mtime) const {
    auto at = std::lower_bound(
        records_.begin(), records_.end(), path.bytes(),
        [](const Record& record, const std::string& wanted) { return record.path < wanted; });
    for (; at != records_.end() && at->path == path.bytes(); ++at) {
        if (at->state == State::complete && at->size == size && at->mtime == mtime) return &*at;
    }
    return nullptr;
}

bool Earlier::can_adopt(const base::RelPath& path, std::uint64_t size, const base::Timestamp& mtime,
                        const std::optional<ContentSum>& content) const {
    const std::lock_guard lock{mutex_};
    const Record* record = find(path, size, mtime);
    if (record == nullptr || !content) return record != nullptr;
    return ContentSum{record->kind, record->whole_digest()} == *content;
}

Earlier::Adopted Earlier::adopt(const base::RelPath& path, std::uint64_t size, const base::Timestamp& mtime) {
    const std::lock_guard lock{mutex_};
    const Record* record = find(path, size, mtime);
    if (record == nullptr)
        throw base::Error{base::ErrorKind::internal, "a staged file that was not there is adopted"};
    const Held& held = directories_[record->held];
    records_[static_cast<std::size_t>(record - records_.data())].state = State::gone;
    return {record->entry(), held.directory.get(), held.of_this_run};
}

std::unique_ptr<const os::File> Earlier::open(const Record& record) const {
    const os::Directory& directory = *directories_[record.held].directory;
    if (!is_there(directory, record)) return nullptr;
    return directory.open_file(record.entry().place());
}

EarlierContent Earlier::open(const base::RelPath& path) const {
    const std::lock_guard lock{mutex_};
    EarlierContent found;
    auto at = std::lower_bound(
        records_.begin(), records_.end(), path.bytes(),
        [](const Record& record, const std::string& wanted) { return record.path < wanted; });
    for (; at != records_.end() && at->path == path.bytes() && !found.whole; ++at) {
        if (at->state == State::gone) continue;
        auto& place = at->state == State::complete ? found.whole : found.part;
        if (!place) place = open(*at);
    }
    return found;
}

EarlierFiles Earlier::of_this_run() const {
    const std::lock_guard lock{mutex_};
    EarlierFiles sum;
    for (const Record& record : records_) {
        const Held& held = directories_[record.held];
        if (record.state == State::gone || !held.of_this_run) continue;
        ++sum.files;
        if (record.state == State::complete) {
            sum.bytes += record.size;
        } else if (const auto status = held.directory->status(record.entry().place())) {
            sum.bytes += status->size;
        }
    }
    return sum;
}

void Earlier::clear() {
    const std::lock_guard lock{mutex_};
    records_ = {};
    directories_.clear();
    numbers_.clear();
}

bool Earlier::is_of_this_run(Generation generation) const {
    const auto at = std::find(numbers_.begin(), numbers_.end(), generation);
    return at != numbers_.end() && directories_[static_cast<std::size_t>(at - numbers_.begin())].of_this_run;
}

}  // namespace ft::staging
