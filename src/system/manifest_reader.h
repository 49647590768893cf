#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ft/base/error.h"

namespace ft::system {

/// An object that a peer sent, read strictly: every key known, of its type and in its range. Each fault is
/// Error peer with the key's whole name ("manifest: databases[0].owner: is missing").
class ManifestReader {
public:
    /// `json` must be an object with exactly the keys `required` and any of `optional`.
    ManifestReader(const nlohmann::json& json, std::string at,
                   std::initializer_list<std::string_view> required,
                   std::initializer_list<std::string_view> optional = {});

    /// Unescaped; at most 64 KiB, and not empty unless `may_be_empty`.
    std::string text(const char* key, bool may_be_empty = false) const;
    std::optional<std::string> optional_text(const char* key) const;
    bool boolean(const char* key) const;
    std::int64_t number(const char* key, std::int64_t least, std::int64_t most) const;
    std::uint64_t count(const char* key) const;  ///< 0 to 2^63-1

    using Visit = std::function<void(const nlohmann::json& value, const std::string& at)>;
    void each(const char* key, std::size_t most, const Visit& visit) const;
    std::vector<std::string> texts(const char* key, std::size_t most) const;
    /// An object of any keys as a table; `value` reads what one key has.
    template <typename Value>
    std::map<std::string, Value> table(
        const char* key,
        const std::function<Value(const nlohmann::json&, const std::string& at)>& value) const {
        std::map<std::string, Value> result;
        each_member(key, [&](const std::string& name, const nlohmann::json& json, const std::string& at) {
            result[name] = value(json, at);
        });
        return result;
    }

    /// The key's whole name.
    std::string at(std::string_view key) const;
    [[nodiscard]] base::Error fault(std::string_view key, const std::string& why) const;

private:
    using VisitMember =
        std::function<void(const std::string& name, const nlohmann::json& value, const std::string& at)>;
    void each_member(const char* key, const VisitMember& visit) const;

    const nlohmann::json& json_;
    std::string at_;
};

/// The error of a fault at the whole name `at`.
[[nodiscard]] base::Error manifest_fault(const std::string& at, const std::string& why);
/// A text of a manifest as the bytes it stands for, whatever they are; Error peer when it is none.
std::string manifest_text(const nlohmann::json& json, const std::string& at);
/// A number from 0 to 2^63-1.
std::uint64_t manifest_count(const nlohmann::json& json, const std::string& at);

}  // namespace ft::system
