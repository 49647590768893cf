#include "ft/wire/filters.h"

namespace ft::wire {
namespace {

constexpr std::int32_t kLongestRule = 4096;
constexpr std::size_t kMostRules = 10'000;
constexpr std::size_t kMostBytes = 1 << 20;

}  // namespace

std::vector<std::string> read_filters(Reader& in) {
    std::vector<std::string> rules;
    std::size_t bytes = 0;
    while (const std::int32_t length = in.int32("length of a filter rule", 0, kLongestRule)) {
        bytes += static_cast<std::size_t>(length);
        if (rules.size() == kMostRules || bytes > kMostBytes) throw malformed("filter list", "is too long");
        rules.push_back(in.text("filter rule", static_cast<std::size_t>(length)));
    }
    return rules;
}

void write_filters(Writer& out, const std::vector<std::string>& rules) {
    for (const std::string& rule : rules) {
        out.int32(static_cast<std::int32_t>(rule.size()));
        out.text(rule);
    }
    out.int32(0);
}

}  // namespace ft::wire
