#include "ft/system/hook_variables.h"

namespace ft::system {
namespace {

std::string variable(std::string prefix, const std::string& name) {
    for (const char c : name) {
        if (c >= 'a' && c <= 'z') {
            prefix += static_cast<char>(c - 'a' + 'A');
        } else {
            prefix += (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
        }
    }
    return prefix;
}

}  // namespace

std::string tree_variable(const std::string& name) { return variable("FT_TREE_", name); }
std::string database_variable(const std::string& name) { return variable("FT_DATABASE_", name); }

}  // namespace ft::system
