#pragma once

#include <string>
#include <string_view>

namespace ft::os {

/// The object itself as the calls for extended attributes take it: they know no directory descriptors, but
/// follow these names in /proc, which cannot lead elsewhere.
class ExtendedPlace {
public:
    /// What is open as `number`, be it only as a path (O_PATH).
    explicit ExtendedPlace(int number);
    /// `name` in the directory that is open as `directory`; a link is not followed.
    ExtendedPlace(int directory, const std::string& name);

    /// Those that a replica carries, packed (base/extended.h). `shown` is for messages. Errors: io
    /// (above base::kMostExtended too), permission.
    std::string read(const std::string& shown) const;
    /// Makes them `packed`. Labels that it does not name stay.
    void write(std::string_view packed, const std::string& shown) const;

private:
    std::string path_;
    bool follows_;
};

}  // namespace ft::os
