#pragma once

#include <cstddef>

namespace ft::test {

/// From one byte that is damaged to the next. Sanitizers make each try several times dearer: with them every
/// fifth is tried, and without them every one.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::size_t kDamageStep = 5;
#else
inline constexpr std::size_t kDamageStep = 1;
#endif

}  // namespace ft::test
