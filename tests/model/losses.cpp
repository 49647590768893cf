#include "model/losses.h"

#include <random>
#include <sstream>
#include <stdexcept>

namespace ft::model {
namespace {

using test::Fate;
using Fates = std::vector<Fate>;

constexpr std::string_view kLetters = "lkhst";  // in the order of Fate

class Ways {
public:
    Ways(const test::DiskMoment& moment, bool last_happens, const Limits& limits)
        : limits_{limits}, last_happens_{last_happens} {
        for (std::size_t i = 0; i < moment.pending(); ++i) choices_.push_back(moment.fates(i));
        if (last_happens_) choices_.back().erase(choices_.back().begin());
    }

    std::vector<Fates> all(std::uint64_t mix) {
        std::size_t count = 1;
        for (const Fates& choice : choices_) {
            count *= choice.size();
            if (count > limits_.whole) return some(mix);
        }
        std::vector<Fates> ways{{}};
        for (const Fates& choice : choices_) {
            std::vector<Fates> longer;
            for (const Fates& way : ways) {
                for (const Fate fate : choice) {
                    longer.push_back(way);
                    longer.back().push_back(fate);
                }
            }
            ways = std::move(longer);
        }
        return ways;
    }

private:
    std::vector<Fates> some(std::uint64_t mix) {
        std::vector<Fates> ways;
        for (const Fate most : {Fate::lost, Fate::kept}) {
            Fates way(choices_.size(), most);
            if (last_happens_) way.back() = Fate::kept;
            ways.push_back(way);
            for (std::size_t i = 0; i < choices_.size(); ++i) {
                for (const Fate other : choices_[i]) {
                    if (other == way[i]) continue;
                    ways.push_back(way);
                    ways.back()[i] = other;
                }
            }
        }
        std::mt19937_64 random{limits_.seed * 1'000'003 + mix};
        for (std::size_t i = 0; i < limits_.drawn; ++i) {
            Fates way;
            for (const Fates& choice : choices_) way.push_back(choice[random() % choice.size()]);
            ways.push_back(std::move(way));
        }
        return ways;
    }

    std::vector<Fates> choices_;
    const Limits& limits_;
    bool last_happens_;
};

}  // namespace

std::string text_of(const std::vector<Cut>& cuts) {
    std::string text;
    for (const Cut& cut : cuts) {
        if (!text.empty()) text += ',';
        text += std::to_string(cut.moment) + ':';
        for (const Fate fate : cut.fates) text += kLetters[static_cast<std::size_t>(fate)];
    }
    return text;
}

std::vector<Cut> cuts_of(std::string_view text) {
    std::vector<Cut> cuts;
    std::istringstream parts{std::string{text}};
    for (std::string part; std::getline(parts, part, ',');) {
        const std::size_t colon = part.find(':');
        if (colon == std::string::npos) throw std::invalid_argument{"no cut: " + part};
        Cut cut{.moment = std::stoul(part), .fates = {}};
        for (const char letter : part.substr(colon + 1)) {
            const std::size_t fate = kLetters.find(letter);
            if (fate == std::string_view::npos) throw std::invalid_argument{"no fate: " + part};
            cut.fates.push_back(static_cast<Fate>(fate));
        }
        cuts.push_back(std::move(cut));
    }
    return cuts;
}

std::vector<Fates> losses(const std::vector<test::DiskMoment>& moments, std::size_t at,
                          const Limits& limits) {
    // One more pending change, none durable since: without it, it is the moment before.
    const bool one_more = at > 0 && moments[at].pending() == moments[at - 1].pending() + 1;
    return Ways{moments[at], one_more, limits}.all(at);
}

}  // namespace ft::model
