#include "staging/area.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/extended.h"
#include "ft/base/log.h"
#include "staging/reserved.h"

namespace ft::staging {
namespace {

constexpr std::size_t kMostAdopted = 65'536;  // files that wait for one sync of the log

Generation next(Generation generation) { return Generation{static_cast<std::uint64_t>(generation) + 1}; }

/// `path` lies at `place`: in which slot, and how deep below it.
LogEntry entry_at(const base::RelPath& path, const std::string& place) {
    std::uint64_t slot = 0;
    const std::size_t digits = std::min(place.find('/'), place.size());
    std::from_chars(place.data(), place.data() + digits, slot);
    LogEntry entry;
    entry.path = path.bytes();
    entry.slot = SlotNumber{slot};
    entry.top = path.bytes().size() - (place.size() - digits);
    return entry;
}

}  // namespace

Area::Area(const os::Directory& live, std::unique_ptr<os::Directory> reserved,
           const std::vector<Generation>& kept, const std::string& origin)
    : reserved_{std::move(reserved)}, origin_{origin}, changes_{live} {
    const Sifted sifted = sift(*reserved_, kept, origin_);
    const auto guarded = [](const auto& step) {
        try {
            step();
        } catch (const base::Error& error) {  // it stays: another run may read it
            base::log_warning("what an earlier run staged is not used: {}", error.what());
        }
    };
    keep_earlier(sifted.earlier);
    for (const Generation generation : sifted.earlier) guarded([&] { add_earlier(generation, false); });
    guarded([&] { remove_empty(); });
    open_generation(next(sifted.last));
}

/// Of a file that lies here twice one is removed: the other must be durable by then.
void Area::keep_earlier(const std::vector<Generation>& generations) {
    if (generations.empty()) return;
    try {
        reserved_->sync_file_system();
    } catch (const base::Error&) {  // the system may have lost what it still shows
        for (const Generation generation : generations) remove(generation);
        throw;
    }
}

void Area::add_earlier(Generation generation, bool of_this_run) {
    if (earlier_.is_full()) {
        sync_moves();
        remove_empty();
    }
    if (earlier_.is_full()) {
        aside_.push_back(generation);
    } else if (!earlier_.add(generation, reserved_->open_directory(generation_name(generation)),
                             of_this_run)) {
        remove(generation);
    }
}

void Area::remove_empty() {
    for (const Generation generation : earlier_.take_empty()) remove(generation);
}

Area::~Area() { close(); }

/// Nothing stays that was not finished or begun, or that no later run would adopt.
void Area::close() {
    try {
        if (!log_ || (finished_ && !lost_)) return;  // whoever commits it has synced it
        const bool is_empty = log_->is_empty();
        if (is_empty && !has_own_earlier()) return remove(changes_.generation());
        if (origin_.empty() || !try_to_keep()) return remove_own();
        if (is_empty) return remove(changes_.generation());
        move_adopted();
    } catch (...) {  // what is not in the log is fetched again
    }
}

/// True when the disk has all that this run wrote. A failure is told once to each descriptor that is older
/// than it: reserved_ is older than all of that, so it hears of one that another tree's sync met, as no later
/// run would.
bool Area::try_to_keep() {
    if (lost_) return false;
    try {
        log_->flush();
    } catch (const base::Error&) {  // no room: the log is good as far as it goes
    }
    try {
        reserved_->sync_file_system();
        return true;
    } catch (const base::Error& error) {
        base::log_warning("what is staged there is removed: {}", error.what());
        return false;
    }
}

bool Area::has_own_earlier() const {
    const auto& all = earlier_.generations();
    return std::any_of(all.begin(), all.end(),
                       [this](Generation generation) { return earlier_.is_of_this_run(generation); });
}

/// Also those that are aside: whose they are is not known of them.
void Area::remove_own() {
    std::vector<Generation> own = aside_;
    own.push_back(changes_.generation());
    for (const Generation generation : earlier_.generations()) {
        if (earlier_.is_of_this_run(generation)) own.push_back(generation);
    }
    // Without its log a generation is adopted by nobody, whatever else of it a failing disk keeps.
    for (const Generation generation : own)
        os::remove_all(*reserved_, fmt::format("{}/{}", generation_name(generation), kLog));
    for (const Generation generation : own) remove(generation);
}

void Area::open_generation(Generation generation) {
    const std::string name = generation_name(generation);
    reserved_->create_directory(name);
    slots_ = reserved_->open_directory(name);
    changes_.begin(generation);
    log_.emplace(slots_, origin_);
    finished_ = false;
    new_directories_.clear();
    begun_.clear();
    held_.reset();
    held_path_.clear();
}

void Area::begin_again() {
    const std::lock_guard lock{mutex_};
    require_kept();
    const Generation before = changes_.generation();
    move_adopted();
    log_->flush();
    add_earlier(before, true);
    open_generation(next(before));
}

bool Area::adopt(const base::RelPath& path, Over over, std::uint64_t size, const base::Attributes& attributes,
                 std::string_view extended) {
    Earlier::Adopted adopted = earlier_.adopt(path, size, attributes.mtime);
    const std::string at = adopted.was.place();
    const auto status = adopted.directory->status(at);
    if (!status) throw base::Error{base::ErrorKind::io, path.escaped() + ": vanished from what is staged"};
    const bool has_attributes = status->attributes == attributes;
    if (!has_attributes) adopted.directory->set_attributes(at, attributes);
    const bool has_extended = base::fits_extended(extended, adopted.directory->extended(at));
    // A change of owner takes capabilities away.
    if (!has_extended || (!has_attributes && !extended.empty()))
        adopted.directory->set_extended(at, extended);
    const Spot to = spot(path, By::path);
    record(path, over, to, status->inode, true);
    note_complete(path, to.place, std::move(adopted.was));
    const std::lock_guard lock{mutex_};
    adopted_.push_back({adopted.directory, at, to.place});
    if (!adopted.of_this_run) {
        ++taken_.files;
        taken_.bytes += size;
    }
    if (adopted_.size() >= kMostAdopted) move_adopted();
    return !adopted.of_this_run;
}

EarlierFiles Area::of_this_run() const {
    const std::lock_guard lock{mutex_};
    const EarlierFiles all = earlier_.of_this_run();
    return {all.files - std::min(all.files, taken_.files), all.bytes - std::min(all.bytes, taken_.bytes)};
}

/// The log that names a file at its new place is durable before the file goes there: power loss leaves it
/// where one of the two logs says.
void Area::move_adopted() {
    if (adopted_.empty()) return;
    log_->make_durable();
    reserved_->sync();
    for (; !adopted_.empty(); adopted_.pop_back()) {
        const Adopted& file = adopted_.back();
        file.from->rename(file.at, *slots_, file.place);
        moved_ = true;
    }
}

/// Before the directories are removed that files were moved from: a move that power loss takes back ends
/// there.
void Area::sync_moves() {
    if (!moved_) return;
    try {
        sync();
    } catch (const base::Error&) {  // the system may have lost what it still shows
        forget();
        throw;
    }
}

/// A file system tells each failure once only: who asks again hears that all is well.
void Area::require_kept() const {
    if (!lost_) return;
    throw base::Error{
        base::ErrorKind::io,
        base::escape(reserved_->path()) + ": what is staged here could not be written to the disk",
        "Look into the system's log for what the disk says, then run the same command again."};
}

void Area::sync() {
    require_kept();
    sync_behind();
    moved_ = false;
}

Spot Area::spot(const base::RelPath& path, By by) {
    const std::lock_guard lock{mutex_};
    if (const auto left = begun_.find(path.bytes()); left != begun_.end()) {
        slots_->remove(left->second);
        begun_.erase(left);
    }
    const base::RelPath parent = path.parent();
    const auto above = new_directories_.find(parent.bytes());
    if (above == new_directories_.end()) {
        const SlotNumber slot = changes_.next_slot();
        return {slots_, slot_name(slot), slot, slot_name(slot)};
    }
    if (std::exchange(above->second.complete, false) && !above->second.extended.empty())
        slots_->set_extended(above->second.place, {});  // or what is made in it inherits its ACL
    std::string place = fmt::format("{}/{}", above->second.place, path.name());
    if (by == By::path) return {slots_, place, SlotNumber{0}, place};
    if (held_path_ != parent.bytes()) {
        held_ = slots_->open_directory(above->second.place);
        held_path_ = parent.bytes();
    }
    return {held_, std::string{path.name()}, SlotNumber{0}, std::move(place)};
}

std::string Area::staged(const base::RelPath& path) {
    const std::lock_guard lock{mutex_};
    move_adopted();
    const auto above = new_directories_.find(path.parent().bytes());
    if (above != new_directories_.end()) return fmt::format("{}/{}", above->second.place, path.name());
    if (const SlotNumber slot = changes_.placed(path); slot != SlotNumber{0}) return slot_name(slot);
    throw base::Error{base::ErrorKind::internal, path.escaped() + ": is linked to and was not staged"};
}

bool Area::is_new(const base::RelPath& path) const {
    const std::lock_guard lock{mutex_};
    return new_directories_.contains(path.parent().bytes());
}

void Area::record(const base::RelPath& path, Over over, const Spot& spot, std::uint64_t inode, bool is_file,
                  const base::Attributes* directory) {
    Move move{.path = path, .inode = inode, .slot = spot.slot};
    if (over == Over::something && spot.slot != SlotNumber{0}) {
        move.kind = MoveKind::replace;
        const os::Status live = changes_.live_now(path);
        move.replaced = live.inode;
        move.replaced_time = time_of(live);
    }
    if (directory != nullptr) move.time = DirectoryTime{directory->mtime};
    const std::lock_guard lock{mutex_};
    changes_.place(std::move(move), is_file);
}

void Area::record_directory(const base::RelPath& path, const Spot& spot, const base::Object& directory) {
    const std::lock_guard lock{mutex_};
    new_directories_.insert_or_assign(
        path.bytes(), NewDirectory{spot.place, directory.attributes, std::string{directory.extended}});
}

void Area::record_attributes(const base::RelPath& path, const base::Attributes& before,
                             const base::Attributes& after, std::string_view extended_before,
                             std::string_view extended_after) {
    Setting setting{.path = path,
                    .inode = changes_.live_now(path).inode,
                    .before = Setting::values(before),
                    .after = Setting::values(after)};
    const std::lock_guard lock{mutex_};
    changes_.set(std::move(setting), extended_before, extended_after);
}

void Area::record_removal(const base::RelPath& path) {
    const os::Status live = changes_.live_now(path);
    const std::lock_guard lock{mutex_};
    changes_.remove(path, live);
}

void Area::note_begun(const base::RelPath& path, const std::string& place) {
    const std::lock_guard lock{mutex_};
    if (!log_) return;
    log_->add(entry_at(path, place));
    log_->flush();  // whoever is killed cannot do it later
}

void Area::note_complete(const base::RelPath& path, const std::string& place, LogEntry facts) {
    LogEntry entry = entry_at(path, place);
    facts.path = std::move(entry.path);
    facts.slot = entry.slot;
    facts.top = entry.top;
    facts.complete = true;
    const std::lock_guard lock{mutex_};
    if (log_) log_->add(facts);
}

void Area::leave_begun(const base::RelPath& path, const std::string& place) {
    const std::lock_guard lock{mutex_};
    begun_.insert_or_assign(path.bytes(), place);
}

void Area::complete() {
    const std::lock_guard lock{mutex_};
    move_adopted();
    for (const auto& [path, place] : begun_) slots_->remove(place);
    begun_.clear();
    std::vector<NewDirectory*> deepest_first;
    for (auto& [path, directory] : new_directories_) {
        if (!directory.complete) deepest_first.push_back(&directory);
    }
    const auto depth = [](const NewDirectory* directory) {
        return std::count(directory->place.begin(), directory->place.end(), '/');
    };
    std::sort(deepest_first.begin(), deepest_first.end(),
              [&](const NewDirectory* a, const NewDirectory* b) { return depth(a) > depth(b); });
    for (NewDirectory* directory : deepest_first) {
        slots_->set_attributes(directory->place, directory->attributes);
        if (!directory->extended.empty()) slots_->set_extended(directory->place, directory->extended);
        directory->complete = true;
    }
}

ChangeList Area::finish() {
    complete();
    const std::lock_guard lock{mutex_};
    log_->flush();
    if (!earlier_.generations().empty()) sync_moves();
    for (const Generation generation : earlier_.generations()) remove(generation);
    for (const Generation generation : aside_) remove(generation);
    earlier_.clear();
    aside_.clear();
    finished_ = true;
    return changes_.take();
}

void Area::sync_behind() {
    try {
        reserved_->sync_file_system();
    } catch (const base::Error&) {
        lost_ = true;
        throw;
    }
}

void Area::discard() {
    const std::lock_guard lock{mutex_};
    forget();
}

void Area::forget() {
    adopted_.clear();
    log_.reset();
    held_.reset();
    held_path_.clear();
    remove_own();
}

}  // namespace ft::staging
