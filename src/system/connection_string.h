#pragma once

#include <map>
#include <string>

namespace ft::system {

/// libpq's keywords and values: "host=/run/postgresql port=5433", spaces around '=', values in '' with
/// \ before ' and \. Error usage: no such text, a keyword that libpq does not know or that ft sets itself
/// (dbname), one that is there twice, control characters.
std::map<std::string, std::string> parse_connection_string(const std::string& text);

}  // namespace ft::system
