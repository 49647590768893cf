#include "ft/base/entry.h"
#include "ft/base/outcome.h"

namespace ft::base {

std::string_view name_of(FileType type) {
    switch (type) {
        case FileType::regular:
            return "file";
        case FileType::directory:
            return "directory";
        case FileType::symlink:
            return "symbolic link";
        case FileType::character_device:
            return "character device";
        case FileType::block_device:
            return "block device";
        case FileType::fifo:
            return "FIFO";
        case FileType::socket:
            return "socket";
    }
    return "object";
}

std::string_view name_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::unchanged:
            return "unchanged";
        case Outcome::committed:
            return "committed";
        case Outcome::rolled_back:
            return "rolled_back";
        case Outcome::undone:
            return "undone";
        case Outcome::recovery_needed:
            return "recovery_needed";
    }
    return "unchanged";
}

}  // namespace ft::base
