#pragma once

#include <string>
#include <vector>

#include "os/fd.h"
#include "os/real_directory.h"

namespace ft::os {

/// The functions of Machine of the same names.
RealDirectory open_root(const std::string& path);
std::vector<std::string> make_root(const std::string& path);
void remove_root(const std::string& path);

}  // namespace ft::os
