#include "system/connection_string.h"

#include <set>
#include <string_view>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "system/names.h"

namespace ft::system {
namespace {

base::Error refused(const std::string& why) { return {base::ErrorKind::usage, why}; }

/// What libpq 15 to 17 take, without what would change what ft does with the connection.
bool is_keyword(const std::string& word) {
    static const std::set<std::string> kKeywords{"host",
                                                 "hostaddr",
                                                 "port",
                                                 "user",
                                                 "password",
                                                 "passfile",
                                                 "require_auth",
                                                 "channel_binding",
                                                 "connect_timeout",
                                                 "options",
                                                 "keepalives",
                                                 "keepalives_idle",
                                                 "keepalives_interval",
                                                 "keepalives_count",
                                                 "tcp_user_timeout",
                                                 "gssencmode",
                                                 "sslmode",
                                                 "sslnegotiation",
                                                 "sslcompression",
                                                 "sslcert",
                                                 "sslkey",
                                                 "sslpassword",
                                                 "sslcertmode",
                                                 "sslrootcert",
                                                 "sslcrl",
                                                 "sslcrldir",
                                                 "sslsni",
                                                 "requirepeer",
                                                 "ssl_min_protocol_version",
                                                 "ssl_max_protocol_version",
                                                 "krbsrvname",
                                                 "gsslib",
                                                 "gssdelegation",
                                                 "service",
                                                 "target_session_attrs",
                                                 "load_balance_hosts"};
    return kKeywords.contains(word);
}

class Parser {
public:
    explicit Parser(std::string_view text) : rest_{text} {}

    std::map<std::string, std::string> run() {
        std::map<std::string, std::string> result;
        for (skip_spaces(); !rest_.empty(); skip_spaces()) {
            const std::string word{take(rest_.find_first_of("= "))};
            skip_spaces();
            if (!rest_.starts_with('=')) throw refused("\"" + base::escape(word) + "\" has no '=' behind it");
            take(1);
            if (word == "dbname") throw refused("must not hold dbname: that is \"name\"");
            if (!is_keyword(word))
                throw refused("\"" + base::escape(word) + "\" is no keyword of a connection");
            skip_spaces();
            if (!result.emplace(word, value()).second) throw refused("holds " + word + " twice");
        }
        return result;
    }

private:
    std::string_view take(std::size_t length) {
        const std::string_view taken = rest_.substr(0, length);
        rest_.remove_prefix(taken.size());
        return taken;
    }
    void skip_spaces() { take(std::min(rest_.find_first_not_of(' '), rest_.size())); }

    std::string value() {
        const bool quoted = rest_.starts_with('\'');
        if (quoted) take(1);
        std::string result;
        while (!rest_.empty()) {
            const char next = take(1)[0];
            if (quoted ? next == '\'' : next == ' ') return result;
            if (next != '\\') {
                result += next;
            } else if (!rest_.empty()) {
                result += take(1);
            }
        }
        if (quoted) throw refused("has a value without its closing quote");
        return result;
    }

    std::string_view rest_;
};

}  // namespace

std::map<std::string, std::string> parse_connection_string(const std::string& text) {
    if (has_controls(text)) throw refused("must not hold control characters");
    if (text.starts_with("postgresql://") || text.starts_with("postgres://")) {
        throw refused("must be keywords and values (\"host=... port=...\"), not a URI");
    }
    return Parser{text}.run();
}

}  // namespace ft::system
