#include "model/enumerate.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <tuple>

namespace ft::model {
namespace {

constexpr unsigned kDepth = 3;

/// What a place can be. `x` and `y` stand for anything but a directory.
struct Label {
    char before;
    char after;
    bool attributes = false;
};

std::vector<Label> structures() {
    return {{'-', 'x'}, {'-', 'd'}, {'x', '-'}, {'d', '-'}, {'x', 'x'},      {'x', 'x', true},
            {'x', 'y'}, {'x', 'd'}, {'d', 'x'}, {'d', 'd'}, {'d', 'd', true}};
}

std::vector<Label> all_kinds() {
    std::vector<Label> labels;
    for (const char before : std::string{"-flcpsdh"}) {
        for (const char after : std::string{"-fglkcbpsdh"}) {
            const bool other_content = after == 'g' || after == 'k' || after == 'b';
            const bool has_other = (before == 'f' && after == 'g') || (before == 'l' && after == 'k') ||
                                   (before == 'c' && after == 'b');
            if ((before == '-' && after == '-') || (other_content && !has_other)) continue;
            labels.push_back({before, after});
            if (before == after) labels.push_back({before, after, true});
        }
    }
    return labels;
}

/// A place and what lies in it: the label's number, then the children's codes, then -1.
using Code = std::vector<signed char>;

/// All forests of given sizes, each once whatever the order of its trees.
class Forests {
public:
    explicit Forests(std::vector<Label> labels) : labels_{std::move(labels)} {}

    /// Of `before` and `after` objects; `in_before`, `in_after`: what holds them is a directory there.
    const std::vector<Code>& all(std::size_t before, std::size_t after, unsigned depth, bool in_before,
                                 bool in_after) {
        const Key key{before, after, depth, in_before, in_after};
        if (const auto known = forests_.find(key); known != forests_.end()) return known->second;
        std::vector<Code> found;
        Code code;
        if (before + after == 0) {
            found.push_back(code);
        } else if (depth > 0 && (before == 0 || in_before) && (after == 0 || in_after)) {
            extend(found, code, trees_up_to(before, after, depth, in_before, in_after), 0, before, after);
        }
        return forests_.emplace(key, std::move(found)).first->second;
    }

private:
    using Key = std::tuple<std::size_t, std::size_t, unsigned, bool, bool>;
    struct Tree {
        Code code;
        std::size_t before;
        std::size_t after;
    };

    /// Trees in a fixed order; each forest takes them in that order.
    static void extend(std::vector<Code>& found, Code& code, const std::vector<Tree>& trees, std::size_t from,
                       std::size_t before, std::size_t after) {
        if (before + after == 0) return found.push_back(code);
        for (std::size_t i = from; i < trees.size(); ++i) {
            const Tree& tree = trees[i];
            if (tree.before > before || tree.after > after) continue;
            code.insert(code.end(), tree.code.begin(), tree.code.end());
            extend(found, code, trees, i, before - tree.before, after - tree.after);
            code.resize(code.size() - tree.code.size());
        }
    }

    const std::vector<Tree>& trees_up_to(std::size_t before, std::size_t after, unsigned depth,
                                         bool in_before, bool in_after) {
        const Key key{before, after, depth, in_before, in_after};
        if (const auto known = trees_.find(key); known != trees_.end()) return known->second;
        std::vector<Tree> trees;
        for (std::size_t i = 0; i < labels_.size(); ++i) {
            const Label& label = labels_[i];
            const std::size_t b = label.before != '-' ? 1 : 0;
            const std::size_t a = label.after != '-' ? 1 : 0;
            if ((b > 0 && !in_before) || (a > 0 && !in_after) || b > before || a > after) continue;
            for (std::size_t below_b = 0; below_b + b <= before; ++below_b) {
                for (std::size_t below_a = 0; below_a + a <= after; ++below_a) {
                    for (const Code& inside :
                         all(below_b, below_a, depth - 1, label.before == 'd', label.after == 'd')) {
                        Code code{static_cast<signed char>(i)};
                        code.insert(code.end(), inside.begin(), inside.end());
                        code.push_back(-1);
                        trees.push_back({std::move(code), b + below_b, a + below_a});
                    }
                }
            }
        }
        return trees_.emplace(key, std::move(trees)).first->second;
    }

    std::vector<Label> labels_;
    std::map<Key, std::vector<Tree>> trees_;
    std::map<Key, std::vector<Code>> forests_;
};

std::vector<Place> places_of(const Code& code, const std::vector<Label>& labels) {
    std::vector<Place> places;
    std::vector<std::string> above{""};
    std::vector<char> next{'a'};
    for (const signed char part : code) {
        if (part < 0) {
            above.pop_back();
            next.pop_back();
            continue;
        }
        const Label& label = labels[static_cast<std::size_t>(part)];
        const std::string path = above.back() + next.back()++;
        places.push_back({path, label.before, label.after, label.attributes});
        above.push_back(path + '/');
        next.push_back('a');
    }
    return places;
}

/// Two hard links a tree at most; one alone only where it was or becomes one of two.
bool links_fit(const std::vector<Place>& places) {
    const auto count = [&](char Place::*side) {
        return std::count_if(places.begin(), places.end(),
                             [&](const Place& place) { return place.*side == 'h'; });
    };
    const auto before = count(&Place::before);
    const auto after = count(&Place::after);
    return before <= 2 && after <= 2 && (before != 1 || after == 2) && (after != 1 || before == 2);
}

/// Kinds for 'x' and 'y'.
void draw_kinds(std::vector<Place>& places, std::size_t number, std::mt19937_64& random) {
    constexpr std::string_view kKinds = "flcps";
    constexpr std::string_view kOthers = "gkb";  // same kind, other content
    for (std::size_t i = 0; i < places.size(); ++i) {
        Place& place = places[i];
        const std::size_t turn = number + i;
        const char first = kKinds[turn % 5];
        if (place.after == 'y') {
            const std::size_t choice = (turn / 5) % 5;
            const bool same = choice == turn % 5;
            place.before = first;
            place.after = !same ? kKinds[choice] : choice < 3 ? kOthers[choice] : 'f';
            continue;
        }
        if (place.before == 'x') place.before = first;
        if (place.after == 'x') place.after = first;
    }
    // Two names of one file, before and after, where that is drawn and fits.
    for (char Place::*side : {&Place::before, &Place::after}) {
        std::vector<Place*> fit;
        for (Place& place : places) {
            const char other = side == &Place::before ? place.after : place.before;
            if (place.*side != '-' && place.*side != 'd' && (place.before != place.after || other == 'h'))
                fit.push_back(&place);
        }
        if (fit.size() < 2 || random() % 3 != 0) continue;
        std::shuffle(fit.begin(), fit.end(), random);
        for (std::size_t i = 0; i < 2; ++i) fit[i]->*side = 'h';
    }
    // A group that stays, with or without other attributes.
    std::vector<Place*> same;
    for (Place& place : places) {
        if (place.before == 'h' || place.after == 'h') return;
        if (place.before == place.after && place.before != 'd') same.push_back(&place);
    }
    if (same.size() < 2 || random() % 3 != 0) return;
    for (std::size_t i = 0; i < 2; ++i) same[i]->before = same[i]->after = 'h';
}

}  // namespace

std::vector<Pair> pairs(std::size_t objects, std::uint64_t seed) {
    const bool whole = objects <= 2;
    const std::vector<Label> labels = whole ? all_kinds() : structures();
    Forests forests{labels};
    std::mt19937_64 random{seed};
    std::vector<Pair> found;
    for (std::size_t before = 0; before <= objects; ++before) {
        for (std::size_t after = 0; after <= objects; ++after) {
            if (std::max(before, after) != objects) continue;
            for (const Code& code : forests.all(before, after, kDepth, true, true)) {
                Pair pair{.places = places_of(code, labels)};
                if (!links_fit(pair.places)) continue;
                if (!whole) draw_kinds(pair.places, found.size(), random);
                const auto extras = random() % 16;
                if (extras % 2 == 0) pair.places.push_back({".", 'd', 'd', true});
                pair.database = extras / 2 % 4 == 0;
                pair.host_name = extras / 2 % 4 == 1;
                pair.second_tree = extras / 2 % 4 == 2;
                found.push_back(std::move(pair));
            }
        }
    }
    return found;
}

}  // namespace ft::model
