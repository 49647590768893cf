#include "ft/staging/probe.h"

#include <fmt/format.h>

#include <string>

#include "ft/base/error.h"
#include "ft/base/escape.h"

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

}  // namespace

void require_exact(os::Directory& reserved) {
    try {
        probe(reserved);
        os::remove_all(reserved, kProbe);
    } catch (const base::Error& error) {
        try {
            if (reserved.status(kProbe)) os::remove_all(reserved, kProbe);
        } catch (const base::Error&) {  // the next staging removes it
        }
        if (error.kind() == base::ErrorKind::no_space || !error.advice().empty()) throw;
        throw base::Error{error.kind(), error.what(), kAdvice};
    }
}

}  // namespace ft::staging
