#include "staging/root_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "ft/base/bytes.h"
#include "ft/base/digest.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/staging/root_time.h"

namespace ft::staging {
namespace {

constexpr std::string_view kNote = "root-time-";
constexpr std::size_t kLongestNote = 32 * 1024;  // bytes: a path, each byte escaped, and the rest

std::string digest(std::string_view text) {
    return base::digest_of(base::DigestKind::xxh128, base::as_bytes(text)).hex();
}

/// What lies in the root beside `ours`: when it is something else, others have moved the root's time too.
std::string names_in(const os::Directory& root, std::string_view ours) {
    std::vector<os::Name> names = root.list();
    std::erase_if(names, [&](const os::Name& each) { return each.name == ours; });
    std::sort(names.begin(), names.end(),
              [](const os::Name& a, const os::Name& b) { return a.name < b.name; });
    std::string text;
    for (const os::Name& each : names) text += fmt::format("{}/{}/", each.name, each.inode);
    return digest(text);
}

struct Note {
    std::string path;  // of the root
    std::string ours;  // the name that comes or goes there
    std::uint64_t inode = 0;
    base::Timestamp time{};
    std::string names;

    std::string text() const {
        return fmt::format("{} {} {} {} {}{}", inode, time.seconds, time.nanoseconds, names,
                           base::escape(ours), base::escape(path));
    }
};

std::optional<Note> note_of(std::string_view text) {
    Note note;
    std::string_view left = text;
    const auto next = [&left] {
        const std::string_view field = left.substr(0, left.find(' '));
        left.remove_prefix(std::min(left.size(), field.size() + 1));
        return field;
    };
    const auto read = [&next](auto& number) {
        const std::string_view field = next();
        std::from_chars(field.data(), field.data() + field.size(), number);
    };
    read(note.inode);
    read(note.time.seconds);
    read(note.time.nanoseconds);
    note.names = next();
    try {
        const std::size_t slash = std::min(left.find('/'), left.size());
        note.ours = base::unescape(left.substr(0, slash));
        note.path = base::unescape(left.substr(slash));
    } catch (const base::Error&) {
        return std::nullopt;
    }
    if (note.text() != text || !note.path.starts_with('/') || note.time.nanoseconds > 999'999'999)
        return std::nullopt;
    return note;
}

void set_time(os::Directory& root, base::Attributes now, base::Timestamp time) {
    now.mtime = time;
    root.set_attributes(".", now);
}

/// False when the root is not there: its note waits for it.
bool restore(os::Machine& machine, const Note& note) {
    const auto root = machine.open_root(note.path);
    const auto status = root->status(".");
    if (!status || status->inode != note.inode) return false;
    if (status->attributes.mtime == note.time || names_in(*root, note.ours) != note.names) return true;
    set_time(*root, status->attributes, note.time);
    root->sync();
    return true;
}

}  // namespace

RootTime::RootTime(os::Directory& root, os::Directory* notes, std::string_view name)
    : root_{root}, notes_{notes} {
    const auto status = root.status(".");
    if (!status) throw base::Error{base::ErrorKind::io, base::escape(root.path()) + ": is gone"};
    before_ = status->attributes.mtime;
    if (notes_ == nullptr) return;
    note_ = fmt::format("{}{}", kNote, digest(root.path()));
    const Note note{root.path(), std::string{name}, status->inode, before_, names_in(root, name)};
    try {
        os::write_whole(*notes_, note_, note.text());
    } catch (const base::Error& error) {
        base::log_info("not noted: {}", error.what());
        notes_ = nullptr;
    }
}

void RootTime::set_back() {
    set_time(root_, root_.status(".")->attributes, before_);
    if (notes_ == nullptr) return;
    root_.sync();
    notes_->remove(note_);
}

void with_time_above(os::Machine& machine, os::Directory& notes, const std::string& directory,
                     const std::function<void()>& action) {
    const std::size_t slash = directory.rfind('/');
    const auto above = machine.open_root(slash == 0 ? "/" : directory.substr(0, slash));
    RootTime time{*above, &notes, std::string_view{directory}.substr(slash + 1)};
    try {
        action();
    } catch (const base::Error&) {
        try {
            time.set_back();
        } catch (const base::Error& error) {  // what the action met says more
            base::log_info("{}", error.what());
        }
        throw;
    }
    time.set_back();
}

void remove_root(os::Machine& machine, os::Directory& notes, const std::string& path) {
    try {
        if (!machine.open_root_to_read(path)->list().empty()) return;
    } catch (const base::Error&) {
        return machine.remove_root(path);  // it is gone, or this says what is wrong
    }
    with_time_above(machine, notes, path, [&] { machine.remove_root(path); });
}

void restore_root_times(os::Machine& machine, os::Directory& notes) {
    for (const os::Name& each : notes.list()) {
        if (!each.name.starts_with(kNote)) continue;
        try {
            const auto note = each.name.ends_with(".new")
                                  ? std::nullopt
                                  : note_of(os::read_all(notes, each.name, kLongestNote));
            if (!note || restore(machine, *note)) os::remove_all(notes, each.name);
        } catch (const base::Error& error) {  // another start may be able to
            base::log_info("{}", error.what());
        }
    }
}

}  // namespace ft::staging
