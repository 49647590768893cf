#pragma once

#include "ft/os/file.h"

namespace ft::staging {

/// The time of a tree's root while the reserved directory comes or goes there, which moves it. It is noted
/// first, durable, in a file of its own in `notes` (null: nowhere): restore_root_times sets it when this
/// process comes to no end. What the note cannot be written for is no reason to stop.
class RootTime {
public:
    RootTime(os::Directory& root, os::Directory* notes);
    /// The root has its time again, durable where there is a note, which goes.
    void set_back();

private:
    os::Directory& root_;
    os::Directory* notes_;
    std::string name_;  // of the note
    os::Status before_;
};

}  // namespace ft::staging
