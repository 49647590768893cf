#include "database/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace ft::database {
namespace {

// The catalogue keeps the values of these (GUC_LIST_QUOTE in PostgreSQL's sources) as a list of quoted names:
// given back as one literal, the list would become one name.
constexpr std::string_view kLists[] = {"local_preload_libraries",   "search_path",
                                       "session_preload_libraries", "shared_preload_libraries",
                                       "temp_tablespaces",          "unix_socket_directories"};

/// a, "b c", "d""e" -> three names.
std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> names(1);
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (quoted && text[i] == '"' && i + 1 < text.size() && text[i + 1] == '"') {
            names.back() += text[i++];
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && text[i] == ',') {
            names.emplace_back();
        } else if (quoted || text[i] != ' ') {
            names.back() += text[i];
        }
    }
    return names;
}

}  // namespace

std::string set_clause(const Connection& session, const std::string& name, const std::string& value) {
    std::vector<std::string> values{value};
    if (std::find(std::begin(kLists), std::end(kLists), name) != std::end(kLists)) values = split_list(value);
    std::string clause;
    for (const std::string& one : values) {
        clause += clause.empty() ? fmt::format("SET {} TO ", session.identifier(name)) : ", ";
        clause += session.literal(one);
    }
    return clause;
}

}  // namespace ft::database
