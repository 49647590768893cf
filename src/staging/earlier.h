#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ft/os/file.h"
#include "ft/staging/change_list.h"

namespace ft::staging {

/// The files that an earlier pull of the same run staged, found by their path in the tree. Any thread.
class Earlier {
public:
    /// `directory` is that of their slots, `changes` what the pull had recorded.
    Earlier(std::unique_ptr<os::Directory> directory, std::vector<Change> changes);

    /// Of the regular file that was staged for `path`; nothing when there is none, or not any more.
    std::optional<os::Status> status(const base::RelPath& path) const;
    /// Its content; null when there is none.
    std::unique_ptr<const os::File> open(const base::RelPath& path) const;
    /// Moves it away.
    void move(const base::RelPath& path, os::Directory& to_directory, const std::string& to);

private:
    struct Found {
        std::string place;  // path from the directory
        os::Status status;
    };
    std::optional<Found> find(const base::RelPath& path) const;

    std::unique_ptr<os::Directory> directory_;
    std::vector<Change> placed_;  // by path: those with an object in their slot
};

}  // namespace ft::staging
