#include "rsync/samples.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "ft/base/extended.h"

namespace ft::rsync {

namespace {

using Place = std::pair<std::size_t, base::FileType>;  // ground and type

/// What file systems and kernels take or refuse as one.
std::string_view kind_of(std::string_view name) {
    for (const std::string_view all : {"user.", "trusted."}) {
        if (name.starts_with(all)) return all;
    }
    return name;
}

staging::ExtendedSample sample_of(const tree::Item& item) {
    return {std::string{item.path}, item.object.type, std::string{item.object.extended}};
}

}  // namespace

std::vector<std::vector<staging::ExtendedSample>> samples_of(const tree::Listing& wanted,
                                                             const tree::Rules& rules,
                                                             const staging::Staging& staging) {
    std::vector<std::vector<staging::ExtendedSample>> samples(staging.grounds().size());
    std::set<std::tuple<Place, const char*>> seen;  // each set once
    std::set<std::tuple<Place, std::string>> kinds;
    std::map<Place, std::size_t> largest;  // index
    std::set<std::size_t> taken;           // indices
    for (std::size_t index = 0; index < wanted.size(); ++index) {
        const tree::Item item = wanted[index];
        const std::string_view packed = item.object.extended;
        if (packed.empty() || rules.hides(item.path, item.is_directory())) continue;
        const Place place{staging.ground_of(base::RelPath{item.path}), item.object.type};
        if (!seen.emplace(place, packed.data()).second) continue;
        bool is_new = false;
        for (const base::ExtendedAttribute& each : base::unpack(packed))
            is_new |= kinds.emplace(place, kind_of(each.name)).second;
        if (is_new) {
            samples[place.first].push_back(sample_of(item));
            taken.insert(index);
        }
        const auto [most, first] = largest.try_emplace(place, index);
        if (packed.size() > wanted[most->second].object.extended.size()) most->second = index;
    }
    for (const auto& [place, index] : largest) {
        if (!taken.contains(index)) samples[place.first].push_back(sample_of(wanted[index]));
    }
    return samples;
}

}  // namespace ft::rsync
