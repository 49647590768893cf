#pragma once

#include <optional>
#include <string>

namespace ft::system {

// The host name in the files that hold it. Names are valid ones (fault_of_host_name); "full" is all of a
// name, "short" its first label. Each function returns the new content of a file, equal to `content` where
// it says the name already.

/// The name in /etc/hostname: its first line that is no comment; empty when there is none.
std::string host_name_in(const std::string& content);

/// /etc/hosts: in lines that have `before`, full or short, it becomes `after`, full and short; where there is
/// no such line, that of 127.0.1.1 gets these names, or is appended. All else stays byte for byte.
/// "localhost" and the like stay what they are.
std::string hosts_with(const std::string& content, const std::string& before, const std::string& after);

/// /etc/sysconfig/network: the value of HOSTNAME, where the file has that.
std::string sysconfig_with(const std::string& content, const std::string& after);

}  // namespace ft::system
