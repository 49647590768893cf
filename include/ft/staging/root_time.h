#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ft/os/machine.h"
#include "ft/staging/names.h"

namespace ft::staging {

/// The time of a directory (a tree's root, or what a root is made in) while ft makes or removes a name there,
/// which moves it. It is noted first, durable, in a file of its own in `notes` (null: nowhere):
/// restore_root_times sets it when this process comes to no end. What the note cannot be written for is no
/// reason to stop.
class RootTime {
public:
    RootTime(os::Directory& root, os::Directory* notes, std::string_view name = kReservedDirectory);
    /// The root has its time again, durable where there is a note, which goes.
    void set_back();

private:
    os::Directory& root_;
    os::Directory* notes_;
    std::string note_;  // its name
    os::Status before_;
};

/// Does `action`, which makes or removes `directory` (absolute); the one above has its time again after it.
void with_time_above(os::Machine& machine, os::Directory& notes, const std::string& directory,
                     const std::function<void()>& action);
/// Removes the empty directory at `path`, as os::Machine does, with the time above in `notes`.
void remove_root(os::Machine& machine, os::Directory& notes, const std::string& path);

}  // namespace ft::staging
