#pragma once

#include <string>
#include <string_view>

#include "ft/os/machine.h"
#include "ft/staging/names.h"

namespace ft::staging {

/// The time of a directory while ft makes or removes a name in it, which moves it. It is noted first,
/// durable, in a file of its own in `notes` (null: nowhere): restore_root_times sets it when this process
/// comes to no end. What the note cannot be written for is no reason to stop.
class RootTime {
public:
    /// `name` comes or goes in `root`.
    RootTime(os::Directory& root, os::Directory* notes, std::string_view name = kReservedDirectory);
    /// The root has its time again, durable where there is a note, which goes.
    void set_back();

private:
    os::Directory& root_;
    os::Directory* notes_;
    std::string note_;  // its name
    base::Timestamp before_{};
};

}  // namespace ft::staging
