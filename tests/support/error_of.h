#pragma once

#include <functional>
#include <string>

#include "ft/base/error.h"

namespace ft::test {

/// The line of the Error that `action` ends with, or "no error".
inline std::string error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const base::Error& error) {
        return error.what();
    }
    return "no error";
}

}  // namespace ft::test
