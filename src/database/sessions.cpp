#include <fmt/format.h>

#include "database/server.h"
#include "ft/base/escape.h"
#include "ft/database/database.h"

namespace ft::database {

std::vector<std::string> other_sessions(const Access& access, base::Cancellation& cancellation) {
    Connection server = connect_beside(access, cancellation);
    std::vector<std::string> lines;
    for (const Row& row : server.query(
             "SELECT count(*), coalesce(usename, '?'), coalesce(application_name, '') FROM pg_stat_activity "
             "WHERE datname = $1 AND backend_type = 'client backend' AND pid <> pg_backend_pid() "
             "GROUP BY 2, 3 ORDER BY 2, 3",
             {access.database->name})) {
        const std::string count = row[0].value_or("?");
        const std::string application = row[2].value_or("");
        lines.push_back(fmt::format("{} {} of user {}{}", count, count == "1" ? "session" : "sessions",
                                    base::escape(row[1].value_or("")),
                                    application.empty() ? "" : " (" + base::escape(application) + ")"));
    }
    return lines;
}

}  // namespace ft::database
