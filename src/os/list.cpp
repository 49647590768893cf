#include "ft/os/file.h"

namespace ft::os {

std::vector<Name> Directory::list() const {
    std::vector<Name> names;
    for_each_name([&](std::string_view name, std::uint64_t inode) {
        names.push_back({.name = std::string{name}, .inode = inode});
    });
    return names;
}

}  // namespace ft::os
