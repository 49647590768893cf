#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>

namespace ft::base {

/// The path of an object below a tree's root, as bytes: components of 1 to 255 bytes joined by '/', none of
/// them "." or "..", no NUL, 4095 bytes in all. The root itself is ".".
class RelPath {
public:
    /// The root.
    RelPath() : bytes_{"."} {}
    /// Error peer when `bytes` is no such path; the message names the fault, escaped. Whoever reads a path
    /// from elsewhere than a peer turns the error around with its own kind.
    explicit RelPath(std::string_view bytes);

    /// What is wrong with `bytes` as a path; empty when nothing is.
    static std::string_view fault(std::string_view bytes);

    const std::string& bytes() const noexcept { return bytes_; }
    bool is_root() const noexcept { return bytes_ == "."; }
    /// The last component; "." for the root.
    std::string_view name() const noexcept;
    /// Everything but the last component; the root for what lies directly in it, and for itself.
    RelPath parent() const;
    /// This path and one more component: no '/' in it, not "." (Error as for the constructor).
    RelPath operator/(std::string_view name) const;
    /// True when `other` is this path or lies below it.
    bool holds(const RelPath& other) const noexcept;
    /// Number of components; 0 for the root.
    std::size_t depth() const noexcept;
    /// The only way into a terminal, a log, JSON or a report.
    std::string escaped() const;

    bool operator==(const RelPath&) const = default;
    std::strong_ordering operator<=>(const RelPath&) const = default;  // NOLINT(modernize-use-nullptr): false

private:
    std::string bytes_;
};

}  // namespace ft::base
