#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/os/machine.h"

namespace ft::database {

/// libpq's keywords and values.
using Keywords = std::map<std::string, std::string>;

/// Keywords as one text that libpq reads back, every value quoted: host='/run/postgresql' port='5433'
std::string conninfo(const Keywords& keywords);

/// What a server or one of its tools says, fit for a message: first line without its label, the detail behind
/// it, cut and escaped.
std::string shown(std::string_view server_text);

using Row = std::vector<std::optional<std::string>>;

/// A session with an empty search path, UTF-8 and no limits of time but that on waiting for locks. Outside of
/// BEGIN and COMMIT every statement commits by itself. A stop that is requested ends it for good, the
/// statement that runs included. Errors: database, with the server's text; cancelled. One thread.
class Connection {
public:
    /// Connects to `dbname` at `server` (conninfo without dbname) as the system user `os_user` (empty: as we
    /// are).
    Connection(os::Machine& machine, const std::string& server, const std::string& dbname,
               const std::string& os_user, base::Cancellation& cancellation);
    Connection(Connection&&) noexcept;
    ~Connection();

    /// One statement; `parameters` are $1, $2, ...
    std::vector<Row> query(const std::string& statement, const std::vector<std::string>& parameters = {});
    /// The first value of the first row; empty when there is none, or null.
    std::string value(const std::string& statement, const std::vector<std::string>& parameters = {});
    /// As query, without interest in rows. False when the server refuses with `tolerated` (an SQLSTATE).
    bool run(const std::string& statement, std::string_view tolerated = "none");

    std::string identifier(const std::string& name) const;  ///< quoted for a statement
    std::string literal(const std::string& text) const;     ///< the same for a value where no $1 is possible
    int server_version() const;                             ///< libpq's number: 150020

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ft::database
