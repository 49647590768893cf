#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/enumerate.h"
#include "model/explore.h"

// Proves on small trees, or disproves, that a commit ends as the old or the new (explore.h).
//
//   commit-model --objects N [--take K] [--slice I/M] [--from J]   pairs whose larger tree has N objects
//   commit-model --pair TEXT [--script NAME --cuts TEXT]          one pair (pair.h), or one way through it
//
// --take K takes K pairs, spread over all; --slice I/M every M-th of those, from I (0..M-1) on; --from J
// begins at the J-th of these. --seed N (1), --whole N (64) and --drawn N (8) say what is drawn (losses.h).
// Prints what it tried; the exit status is 1 when a pair fails, and the command that shows it is printed.
namespace {

using namespace ft::model;

struct Arguments {
    std::size_t objects = 0;
    std::size_t take = ~std::size_t{0};
    std::size_t slice = 0;
    std::size_t slices = 1;
    std::size_t from = 0;
    std::string pair;
    std::string script;
    std::string cuts;
    Limits limits;
};

Arguments read(int argc, char** argv) {
    Arguments read;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (++i == argc) throw std::invalid_argument{name + " has no value"};
        const std::string value = argv[i];
        if (name == "--objects") {
            read.objects = std::stoul(value);
        } else if (name == "--take") {
            read.take = std::stoul(value);
        } else if (name == "--slice") {
            read.slice = std::stoul(value);
            read.slices = std::stoul(value.substr(value.find('/') + 1));
        } else if (name == "--from") {
            read.from = std::stoul(value);
        } else if (name == "--pair") {
            read.pair = value;
        } else if (name == "--script") {
            read.script = value;
        } else if (name == "--cuts") {
            read.cuts = value;
        } else if (name == "--seed") {
            read.limits.seed = std::stoul(value);
        } else if (name == "--whole") {
            read.limits.whole = std::stoul(value);
        } else if (name == "--drawn") {
            read.limits.drawn = std::stoul(value);
        } else if (name == "--disks") {
            read.limits.disks = std::stoul(value);
        } else {
            throw std::invalid_argument{"unknown: " + name};
        }
    }
    if (read.pair.empty() && (read.objects < 1 || read.objects > 5))
        throw std::invalid_argument{"--objects 1 to 5, or --pair"};
    if (read.slices == 0 || read.slice >= read.slices) throw std::invalid_argument{"--slice I/M with I < M"};
    return read;
}

/// `take` of `all`, spread evenly from the seed-th on, then every `slices`-th.
std::vector<Pair> chosen(const Arguments& arguments) {
    const std::vector<Pair> all = pairs(arguments.objects, arguments.limits.seed);
    const std::size_t count = std::min(arguments.take, all.size());
    std::vector<Pair> chosen;
    for (std::size_t i = arguments.slice; i < count; i += arguments.slices) {
        const std::size_t at = i * all.size() / count + arguments.limits.seed % (all.size() / count);
        chosen.push_back(all[at]);
    }
    return chosen;
}

void print(const Counts& counts, const char* end) {
    fmt::print("pairs {} moments {} losses {} recoveries {} left {} ends {}{}", counts.pairs, counts.moments,
               counts.losses, counts.recoveries, counts.left, counts.ends, end);
    std::fflush(stdout);
}

int run(const Arguments& arguments) {
    if (!arguments.script.empty()) {
        follow(Pair::parse(arguments.pair), arguments.limits, arguments.script, cuts_of(arguments.cuts));
        return 0;
    }
    const std::vector<Pair> todo =
        arguments.pair.empty() ? chosen(arguments) : std::vector{Pair::parse(arguments.pair)};
    Counts counts;
    for (std::size_t i = arguments.from; i < todo.size(); ++i) {
        try {
            explore(todo[i], arguments.limits, counts);
        } catch (const std::exception& error) {
            fmt::print("FAILED: commit-model --seed {} --whole {} --drawn {} --disks {} --pair '{}'\n{}\n",
                       arguments.limits.seed, arguments.limits.whole, arguments.limits.drawn,
                       arguments.limits.disks, todo[i].text(), error.what());
            print(counts, "\n");
            return 1;
        }
    }
    print(counts, "\n");
    return 0;
}

}  // namespace

int main(int argc, char** argv) try { return run(read(argc, argv)); } catch (const std::exception& error) {
    fmt::print(stderr, "commit-model: {}\n", error.what());
    return 2;
}
