#pragma once

#include <string>
#include <string_view>

namespace ft::os {

/// The object itself as the calls for extended attributes take it. They know no directory descriptors, but
/// follow the names that /proc has for them, which cannot lead elsewhere; from Linux 6.13 what most objects
/// need, the list by name, has a call of its own.
class ExtendedPlace {
public:
    /// What is open as `number`, be it only as a path (O_PATH).
    explicit ExtendedPlace(int number);
    /// `name` in the directory that is open as `directory`; a link is not followed. Refers to `name`.
    ExtendedPlace(int directory, const std::string& name);

    /// Those that a replica carries, packed (base/extended.h). `shown` is for messages. Errors: io
    /// (above base::kMostExtended too), permission.
    std::string read(const std::string& shown) const;
    /// Makes them `packed`. Labels that it does not name stay.
    void write(std::string_view packed, const std::string& shown) const;

private:
    /// As llistxattr(2).
    long list(char* into, std::size_t size) const;
    std::string path() const;

    int number_;
    const char* name_;  // null: what is open as `number_` itself
};

}  // namespace ft::os
