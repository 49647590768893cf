#include "staging/reserved.h"

#include <fmt/format.h>

#include <algorithm>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/staging/staging.h"
#include "staging/log.h"
#include "staging/root_time.h"

namespace ft::staging {
namespace {

constexpr std::uint32_t kReservedMode = 0700;

os::Status root_status(const os::Directory& root) {
    const auto status = root.status(".");
    if (!status) throw base::Error{base::ErrorKind::io, base::escape(root.path()) + ": is gone"};
    return *status;
}

void make_reserved(os::Directory& root, os::Directory* notes) {
    // A new name changes the time of the directory that holds it, and the live tree is not ours to touch yet.
    RootTime time{root, notes};
    root.create_directory(kReservedDirectory);
    time.set_back();
}

void remove_reserved(os::Directory& root, os::Directory* notes) {
    RootTime time{root, notes};
    root.remove(kReservedDirectory);
    time.set_back();
}

void require_ours(const os::Directory& root, const os::Status& root_is, const os::Status& reserved) {
    std::string_view wrong;
    if (reserved.type != os::FileType::directory) {
        wrong = "is no directory";
    } else if (reserved.attributes.uid != 0 || reserved.attributes.mode != kReservedMode) {
        wrong = "does not belong to root alone (mode 0700)";
    } else if (reserved.device != root_is.device) {
        wrong = "lies on another file system than the tree";
    }
    if (wrong.empty()) return;
    throw base::Error{base::ErrorKind::unfit,
                      fmt::format("{}/{}: {}", base::escape(root.path()), kReservedDirectory, wrong),
                      "This name is reserved for ft. Move it away, then run the same command again."};
}

bool is_of(const os::Directory& reserved, const std::string& name, const std::string& origin) {
    if (origin.empty()) return false;
    const auto status = reserved.status(name);
    if (!status || status->type != os::FileType::directory) return false;
    return read_origin(*reserved.open_directory(name)) == origin;
}

}  // namespace

std::unique_ptr<os::Directory> open_reserved(os::Directory& root, os::Directory* notes) {
    const os::Status root_is = root_status(root);
    const auto reserved_is = root.status(kReservedDirectory);
    if (reserved_is) {
        require_ours(root, root_is, *reserved_is);
    } else {
        make_reserved(root, notes);
    }
    return root.open_directory(kReservedDirectory);
}

void free_staged(os::Directory& root, const std::vector<Generation>& kept, os::Directory* notes) {
    if (!root.status(kReservedDirectory)) return;
    const auto reserved = open_reserved(root);
    sift(*reserved, kept, {});
    if (reserved->list().empty()) remove_reserved(root, notes);
}

void close_reserved(os::Directory& root, os::Directory* notes) {
    if (!root.status(kReservedDirectory)) return;
    if (open_reserved(root)->list().empty()) remove_reserved(root, notes);
}

Sifted sift(os::Directory& reserved, const std::vector<Generation>& kept, const std::string& origin) {
    Sifted sifted;
    // A kept number is not given again even where its directory is gone: whoever keeps it may yet remove it.
    for (const Generation generation : kept) sifted.last = std::max(sifted.last, generation);
    for (const os::Name& there : reserved.list()) {
        const auto generation = generation_of(there.name);
        const bool is_kept = generation && std::find(kept.begin(), kept.end(), *generation) != kept.end();
        if (generation && (is_kept || is_of(reserved, there.name, origin))) {
            if (!is_kept) sifted.earlier.push_back(*generation);
            sifted.last = std::max(sifted.last, *generation);
        } else {
            os::remove_all(reserved, there.name);
        }
    }
    std::sort(sifted.earlier.begin(), sifted.earlier.end());
    return sifted;
}

}  // namespace ft::staging
