#include "ft/staging/probe.h"

#include <fmt/format.h>

#include <string>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/extended.h"

namespace ft::staging {
namespace {

constexpr const char* kProbe = "probe";
constexpr const char* kFile = "probe/file";
constexpr const char* kOtherCase = "probe/FILE";
constexpr const char* kDirectory = "probe/directory";
constexpr const char* kInside = "probe/directory/file";

// Ids that every mapping of users has, if it has more than one. Set-ID bits, and a time that is odd in each
// unit.
constexpr os::Attributes kOdd{06711, 1, 1, {1'234'567'891, 123'456'789}};
constexpr os::Attributes kClosed{0500, 1, 1, {1, 1}};

constexpr const char* kAdvice =
    "A tree needs a file system of Linux (ext4, XFS, btrfs), and ft the rights of root, all capabilities "
    "included.";

/// Only a tree with other owners needs them: staging meets those.
bool has_owners(os::Directory& reserved) {
    try {
        reserved.set_attributes(kFile, kOdd);
        return true;
    } catch (const base::Error& error) {
        if (error.kind() == base::ErrorKind::no_space) throw;
        return false;
    }
}

void require_read_back(const os::Directory& reserved) {
    const auto status = reserved.status(kFile);
    const os::Attributes found = status ? status->attributes : os::Attributes{};
    std::string wrong;
    if (found.mode != kOdd.mode) wrong = fmt::format("mode {:04o} is {:04o}", kOdd.mode, found.mode);
    if (found.uid != kOdd.uid || found.gid != kOdd.gid) wrong = "another owner";
    if (found.mtime != kOdd.mtime) wrong = "another time: it is not kept to the nanosecond";
    if (reserved.status(kOtherCase)) wrong = "another name: upper and lower case are the same";
    if (wrong.empty()) return;
    throw base::Error{base::ErrorKind::unfit,
                      fmt::format("{}: cannot hold an exact replica: what was set reads back as {}",
                                  base::escape(reserved.path()), wrong),
                      kAdvice};
}

void probe(os::Directory& reserved) {
    reserved.create_directory(kProbe);
    reserved.create_file(kFile);
    const bool owners = has_owners(reserved);
    if (owners) require_read_back(reserved);
    reserved.create_directory(kDirectory);
    if (owners) reserved.set_attributes(kDirectory, kClosed);
    reserved.create_file(kInside);
    reserved.exchange(kFile, reserved, kInside);
}

/// What keeps a new object from having those attributes; empty: nothing.
std::string refusal(os::Directory& reserved, const ExtendedSample& sample) {
    const std::string name = fmt::format("{}/{}", kProbe, static_cast<int>(sample.type));
    try {
        if (reserved.status(name)) {
            reserved.set_extended(name, {});
        } else if (sample.type == base::FileType::regular) {
            reserved.create_file(name);
        } else if (sample.type == base::FileType::directory) {
            reserved.create_directory(name);
        } else if (sample.type == base::FileType::symlink) {
            reserved.create_symlink(name, kProbe);
        } else {
            reserved.create_special(name, sample.type, 1, 3);
        }
        reserved.set_extended(name, sample.packed);
        const bool fits = base::fits_extended(sample.packed, reserved.extended(name));
        return fits ? "" : "cannot be set: another value is read back";
    } catch (const base::Error& error) {
        const std::string_view why = error.what();
        const std::string shown = base::escape(reserved.path()) + "/" + name + ": ";
        return std::string{why.starts_with(shown) ? why.substr(shown.size()) : why};
    }
}

void remove_probe(os::Directory& reserved) {
    try {
        if (reserved.status(kProbe)) os::remove_all(reserved, kProbe);
    } catch (const base::Error&) {  // the next staging removes it
    }
}

}  // namespace

void require_extended(os::Directory& reserved, const std::vector<ExtendedSample>& samples) {
    if (samples.empty()) return;
    std::vector<std::string> refused;
    reserved.create_directory(kProbe);
    for (const ExtendedSample& sample : samples) {
        const std::string why = refusal(reserved, sample);
        if (!why.empty()) refused.push_back(fmt::format("{}: {}", base::escape(sample.path), why));
    }
    remove_probe(reserved);
    if (refused.empty()) return;
    throw base::Error{
        base::ErrorKind::unfit,
        fmt::format("{}: cannot hold ACLs or extended attributes that the source has: {}",
                    base::escape(reserved.path()), refused.front()),
        "Put the tree on a file system that takes them (ext4, XFS, btrfs), or remove them at the "
        "source."}
        .with_details(refused);
}

void require_exact(os::Directory& reserved) {
    try {
        probe(reserved);
        os::remove_all(reserved, kProbe);
    } catch (const base::Error& error) {
        remove_probe(reserved);
        if (error.kind() == base::ErrorKind::no_space || !error.advice().empty()) throw;
        throw base::Error{error.kind(), error.what(), kAdvice};
    }
}

}  // namespace ft::staging
