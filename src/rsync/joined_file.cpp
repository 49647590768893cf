#include "rsync/joined_file.h"

#include <algorithm>
#include <utility>

#include "ft/base/error.h"

namespace ft::rsync {
namespace {

[[noreturn]] void refuse() { throw base::Error{base::ErrorKind::internal, "a basis file is to be changed"}; }

}  // namespace

JoinedFile::JoinedFile(std::unique_ptr<const os::File> part, std::unique_ptr<const os::File> rest)
    : part_{std::move(part)}, rest_{std::move(rest)}, part_size_{part_->status().size} {}

std::size_t JoinedFile::read_at(std::uint64_t offset, std::span<std::byte> into) const {
    std::size_t done = 0;
    if (offset < part_size_) {
        const auto wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), part_size_ - offset));
        done = part_->read_at(offset, into.first(wanted));
        if (done < wanted) return done;
    }
    if (!rest_ || done == into.size()) return done;
    return done + rest_->read_at(offset + done, into.subspan(done));
}

os::Status JoinedFile::status() const {
    os::Status status = part_->status();
    status.size = std::max(part_size_, rest_ ? rest_->status().size : 0);
    return status;
}

void JoinedFile::write_at(std::uint64_t, std::span<const std::byte>) { refuse(); }
void JoinedFile::set_size(std::uint64_t) { refuse(); }
void JoinedFile::set_attributes(const os::Attributes&) { refuse(); }
void JoinedFile::set_extended(std::string_view) { refuse(); }
void JoinedFile::sync() { refuse(); }

}  // namespace ft::rsync
