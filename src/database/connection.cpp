#include "database/connection.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pqxx/pqxx>

#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::database {
namespace {

constexpr std::size_t kShownBytes = 600;

// The search path first and alone: until it is empty no name but pg_catalog's is safe. Commits are on the
// disk when they are answered, whatever the server's default: the journal rests on it. Values look the same
// as text on both sides, and are exact. Looking after its client, the server (14 or later) ends by itself the
// statement of a session that a stop has shut down.
constexpr const char* kEmptySearchPath = "SELECT pg_catalog.set_config('search_path', '', false)";
constexpr const char* kSettings = R"(
    SELECT set_config(s.name, v.setting, false)
    FROM (VALUES ('client_encoding', 'UTF8'), ('statement_timeout', '0'), ('lock_timeout', '60s'),
                 ('transaction_timeout', '0'), ('idle_in_transaction_session_timeout', '0'),
                 ('idle_session_timeout', '0'), ('standard_conforming_strings', 'on'), ('row_security', 'off'),
                 ('datestyle', 'ISO, MDY'), ('timezone', 'UTC'), ('synchronous_commit', 'local'),
                 ('intervalstyle', 'postgres'), ('extra_float_digits', '3'), ('bytea_output', 'hex'),
                 ('lc_monetary', 'C'), ('xmloption', 'content'),
                 ('client_connection_check_interval', '1s')) AS v(name, setting)
    JOIN pg_settings s ON lower(s.name) = v.name)";

/// Variables by which an environment would redirect libpq; what counts is system.json.
void forget_libpq_environment(os::Machine& machine) {
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options{PQconndefaults(),
                                                                               &PQconninfoFree};
    for (const PQconninfoOption* option = options.get(); option != nullptr && option->keyword != nullptr;
         ++option) {
        if (option->envvar != nullptr && machine.environment(option->envvar)) {
            machine.forget_environment(option->envvar);
        }
    }
}

base::Error database_error(const std::exception& failure) {
    return {base::ErrorKind::database, shown(failure.what())};
}

std::string with_defaults(const std::string& server, const std::string& dbname) {
    // The first ones are defaults: libpq takes the last of equal keywords.
    return "connect_timeout='10' application_name='ft' " + server + " " + conninfo({{"dbname", dbname}});
}

/// Opens for good: libpqxx would otherwise replace a lost session by another one, in silence, in the middle
/// of a transaction, and as another user.
std::unique_ptr<pqxx::connection> connect(const std::string& options) {
    auto session = std::make_unique<pqxx::connection>(options);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    session->inhibit_reactivation(true);
#pragma GCC diagnostic pop
    return session;
}

/// A second descriptor of a session's socket, for the thread that stops it: libpq closes its own when it
/// likes.
class SocketHandle {
public:
    explicit SocketHandle(int socket) : descriptor_{::fcntl(socket, F_DUPFD_CLOEXEC, 0)} {}
    ~SocketHandle() { ::close(descriptor_); }
    SocketHandle(const SocketHandle&) = delete;
    SocketHandle& operator=(const SocketHandle&) = delete;
    void shut_down() const noexcept { ::shutdown(descriptor_, SHUT_RDWR); }

private:
    int descriptor_;
};

}  // namespace

std::string conninfo(const Keywords& keywords) {
    std::string text;
    for (const auto& [keyword, value] : keywords) {
        if (!text.empty()) text += ' ';
        text += keyword + "='";
        for (const char c : value) {
            if (c == '\'' || c == '\\') text += '\\';
            text += c;
        }
        text += '\'';
    }
    return text;
}

std::string shown(std::string_view server_text) {
    std::string_view text = server_text.substr(0, server_text.find('\n'));
    for (const std::string_view label : {"ERROR:  ", "FATAL:  "}) {
        if (text.starts_with(label)) text.remove_prefix(label.size());
    }
    std::string line{text.substr(0, kShownBytes)};
    constexpr std::string_view kDetail = "\nDETAIL:  ";
    if (const auto found = server_text.find(kDetail); found != std::string_view::npos) {
        const std::string_view detail = server_text.substr(found + kDetail.size());
        line += " (" + std::string{detail.substr(0, std::min(detail.find('\n'), kShownBytes))} + ")";
    }
    return base::escape(line);
}

struct Connection::State {
    explicit State(base::Cancellation& stop) : cancellation{stop} {}

    base::Cancellation& cancellation;
    std::unique_ptr<pqxx::connection> session;
    std::unique_ptr<pqxx::quiet_errorhandler> quiet;  // libpqxx would write notices to the terminal
    std::unique_ptr<pqxx::nontransaction> statements;
    std::unique_ptr<SocketHandle> socket;
    base::Cancellation::Hook hook;
};

Connection::Connection(os::Machine& machine, const std::string& server, const std::string& dbname,
                       const std::string& os_user, base::Cancellation& cancellation)
    : state_{std::make_unique<State>(cancellation)} {
    cancellation.check();
    forget_libpq_environment(machine);
    machine.processes().as_user(os_user, [&] {
        try {
            state_->session = connect(with_defaults(server, dbname));
        } catch (const pqxx::failure& failure) {
            throw base::Error{base::ErrorKind::database, shown(failure.what()),
                              "Check that PostgreSQL runs and that system.json says how to reach it."};
        }
    });
    state_->quiet = std::make_unique<pqxx::quiet_errorhandler>(*state_->session);
    state_->statements = std::make_unique<pqxx::nontransaction>(*state_->session);
    state_->socket = std::make_unique<SocketHandle>(state_->session->sock());
    // No cancel request to the server: that would wait for it.
    state_->hook = cancellation.on_request([state = state_.get()] { state->socket->shut_down(); });
    run(kEmptySearchPath);
    run(kSettings);
}

Connection::Connection(Connection&&) noexcept = default;
Connection::~Connection() = default;

std::vector<Row> Connection::query(const std::string& statement, const std::vector<std::string>& parameters) {
    state_->cancellation.check();
    try {
        const pqxx::result result =
            state_->statements->exec_params(statement, pqxx::prepare::make_dynamic_params(parameters));
        std::vector<Row> rows;
        rows.reserve(result.size());
        for (const auto& row : result) {
            Row& values = rows.emplace_back();
            for (const auto& field : row) {
                values.push_back(field.is_null() ? std::nullopt : std::optional<std::string>{field.c_str()});
            }
        }
        return rows;
    } catch (const pqxx::pqxx_exception& failure) {
        state_->cancellation.check();
        throw database_error(failure.base());
    }
}

std::string Connection::value(const std::string& statement, const std::vector<std::string>& parameters) {
    const auto rows = query(statement, parameters);
    return rows.empty() ? std::string{} : rows.front().front().value_or("");
}

bool Connection::run(const std::string& statement, std::string_view tolerated) {
    state_->cancellation.check();
    try {
        state_->statements->exec_params(statement);
        return true;
    } catch (const pqxx::sql_error& refusal) {
        state_->cancellation.check();
        if (refusal.sqlstate() == tolerated) return false;
        throw database_error(refusal);
    } catch (const pqxx::pqxx_exception& failure) {
        state_->cancellation.check();
        throw database_error(failure.base());
    }
}

std::string Connection::identifier(const std::string& name) const {
    try {
        return state_->session->quote_name(name);
    } catch (const pqxx::pqxx_exception& failure) {
        throw database_error(failure.base());
    }
}

std::string Connection::literal(const std::string& text) const {
    try {
        return state_->session->quote(text);
    } catch (const pqxx::pqxx_exception& failure) {
        throw database_error(failure.base());
    }
}

int Connection::server_version() const { return state_->session->server_version(); }

}  // namespace ft::database
