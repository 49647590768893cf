#include "system/manifest_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "ft/base/escape.h"

namespace ft::system {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestText = 64 * 1024;
constexpr std::size_t kMostMembers = 1'000'000;

bool holds(std::initializer_list<std::string_view> keys, std::string_view key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

}  // namespace

base::Error manifest_fault(const std::string& at, const std::string& why) {
    const std::string name = at.empty() ? "manifest: " : "manifest: " + base::escape(at) + ": ";
    return {base::ErrorKind::peer, name + why};
}

std::string manifest_text(const json& value, const std::string& at) {
    if (!value.is_string()) throw manifest_fault(at, "is no text");
    const auto& escaped = value.get_ref<const std::string&>();
    if (escaped.size() > kLongestText) throw manifest_fault(at, "is longer than 64 KiB");
    try {
        std::string text = base::unescape(escaped);
        if (text.find('\0') != std::string::npos) throw manifest_fault(at, "holds a NUL byte");
        return text;
    } catch (const base::Error& error) {
        if (error.kind() == base::ErrorKind::peer) throw;
        throw manifest_fault(at, error.what());
    }
}

std::uint64_t manifest_count(const json& value, const std::string& at) {
    const bool fits = value.is_number_unsigned() &&
                      value.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    if (!fits) throw manifest_fault(at, "is no number from 0 to 2^63-1");
    return value.get<std::uint64_t>();
}

ManifestReader::ManifestReader(const json& value, std::string at,
                               std::initializer_list<std::string_view> required,
                               std::initializer_list<std::string_view> optional)
    : json_{value}, at_{std::move(at)} {
    if (!json_.is_object()) throw manifest_fault(at_, "is no object");
    for (const std::string_view key : required) {
        if (!json_.contains(key)) throw fault(key, "is missing");
    }
    for (const auto& [key, ignored] : json_.items()) {
        if (!holds(required, key) && !holds(optional, key)) throw fault(key, "is unknown");
    }
}

std::string ManifestReader::at(std::string_view key) const {
    std::string name = at_.empty() ? "" : at_ + '.';
    name += key;
    return name;
}

base::Error ManifestReader::fault(std::string_view key, const std::string& why) const {
    return manifest_fault(at(key), why);
}

std::string ManifestReader::text(const char* key, bool may_be_empty) const {
    std::string result = manifest_text(json_.at(key), at(key));
    if (result.empty() && !may_be_empty) throw fault(key, "is empty");
    return result;
}

std::optional<std::string> ManifestReader::optional_text(const char* key) const {
    if (!json_.contains(key)) return std::nullopt;
    return manifest_text(json_.at(key), at(key));
}

bool ManifestReader::boolean(const char* key) const {
    if (!json_.at(key).is_boolean()) throw fault(key, "is neither true nor false");
    return json_.at(key).get<bool>();
}

std::int64_t ManifestReader::number(const char* key, std::int64_t least, std::int64_t most) const {
    const json& value = json_.at(key);
    // Above 2^63-1 the library would wrap it around.
    const bool readable =
        value.is_number_integer() &&
        (!value.is_number_unsigned() ||
         value.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
    if (!readable || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most) {
        throw fault(key, fmt::format("is no number from {} to {}", least, most));
    }
    return value.get<std::int64_t>();
}

std::uint64_t ManifestReader::count(const char* key) const { return manifest_count(json_.at(key), at(key)); }

void ManifestReader::each(const char* key, std::size_t most, const Visit& visit) const {
    const json& value = json_.at(key);
    if (!value.is_array()) throw fault(key, "is no list");
    if (value.size() > most)
        throw fault(key, fmt::format("has {} elements, the limit is {}", value.size(), most));
    for (std::size_t i = 0; i < value.size(); ++i) visit(value[i], fmt::format("{}[{}]", at(key), i));
}

std::vector<std::string> ManifestReader::texts(const char* key, std::size_t most) const {
    std::vector<std::string> result;
    each(key, most,
         [&](const json& value, const std::string& name) { result.push_back(manifest_text(value, name)); });
    return result;
}

void ManifestReader::each_member(const char* key, const VisitMember& visit) const {
    const json& value = json_.at(key);
    if (!value.is_object()) throw fault(key, "is no object");
    if (value.size() > kMostMembers) throw fault(key, fmt::format("has more than {} members", kMostMembers));
    for (const auto& [name, member] : value.items()) {
        visit(manifest_text(json(name), at(key)), member, at(key) + '.' + name);
    }
}

}  // namespace ft::system
