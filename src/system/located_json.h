#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ft::system {

/// A JSON text (with // and /* */ comments) as a value that knows its lines. Values are named as an admin
/// would say it: "trees[1].path"; the text as a whole is "".
class LocatedJson {
public:
    /// Never throws for what the text holds: see faults.
    explicit LocatedJson(std::string_view text);

    /// Null when there are faults.
    const nlohmann::json& value() const { return value_; }
    /// The line (from 1) where `key` is written; of the closest value around it when it is not.
    std::size_t line_of(std::string key) const;

    struct Fault {
        std::size_t line = 0;
        std::string key;
        std::string message;
    };
    /// What keeps it from being a value: bad syntax or more than 64 levels (reading ends there), keys that
    /// are written twice.
    const std::vector<Fault>& faults() const { return faults_; }

private:
    nlohmann::json value_;
    std::map<std::string, std::size_t> lines_;
    std::vector<Fault> faults_;
};

/// "trees" and "path": "trees.path"; "" and "trees": "trees".
std::string member(const std::string& object, std::string_view key);
/// "trees" and 1: "trees[1]".
std::string element(const std::string& array, std::size_t index);

}  // namespace ft::system
