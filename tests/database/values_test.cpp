#include <catch2/catch.hpp>
#include <thread>

#include "database/appliance.h"
#include "database/connection.h"
#include "database/cutting_proxy.h"
#include "database/remembered.h"
#include "database/server.h"
#include "database/settings.h"
#include "database/tools.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"

// libpqxx 6.4.5 forgets the last result of a session that is lost in the middle of a statement.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:pqxx::connection_base::exec_params"; }

namespace ft::database {

TEST_CASE("conninfo quotes every value", "[database]") {
    CHECK(conninfo({{"host", "/run"}, {"password", R"(a'b\c d)"}, {"user", ""}}) ==
          R"(host='/run' password='a\'b\\c d' user='')");
}

TEST_CASE("a server's words are one line, escaped and cut", "[database]") {
    CHECK(shown("ERROR:  no \x1b[31m\nDETAIL:  held by\t1\nHINT:  ask") == "no \\x1b[31m (held by\\x091)");
    CHECK(shown(std::string(5000, 'x')).size() == 600);
    CHECK(shown("").empty());
}

TEST_CASE("what a restore remembers survives, and a damaged file is named", "[database]") {
    const test::Place place;
    const auto state = test::real_machine().open_root(place.path());
    const Remembered made{"d",  "host='/run' password='a\nb'",   "", 4711,
                          true, {"app", "two\nlines \\", "\xff"}};
    const std::string file = file_of("d");
    CHECK_FALSE(has_unfinished(*state));
    remember(*state, made);
    CHECK(recall(*state, file) == made);
    CHECK(remembering_files(*state) == std::vector<std::string>{file});
    CHECK(has_unfinished(*state));
    for (const char* damaged :
         {"", "ft-restore 2\n", "ft-restore 1\n", "ft-restore 1\nname e\n",
          "ft-restore 1\nname d\ndatabase x\n", "ft-restore 1\nname d\nrole \\q\n",
          "ft-restore 1\nname d\nrole \n", "ft-restore 1\nname d\ndatabase 99999999999\n",
          "ft-restore 1\nname d\nx\n", "ft-restore 1\nname d\nx y\n"}) {
        os::write_whole(*state, file, damaged);
        INFO(damaged);
        CHECK_THROWS_AS(recall(*state, file), base::Error);
    }
    remember(*state, {"d", "host='/run'", "", 0, false, {}});
    CHECK_FALSE(has_unfinished(*state));
    state->create_file(file + ".new");
    CHECK_FALSE(has_unfinished(*state));
    remember(*state, made);
    remember(*state, {"b", "", "postgres", 0, true, {}});
    settle(*state);
    CHECK(state->list().empty());
}

TEST_CASE("versions with known faults are refused by name", "[database]") {
    CHECK(tool_fault("pg_restore", {"pg_restore", 150020}).empty());
    CHECK(tool_fault("pg_restore", {"pg_restore", 150019}) ==
          "pg_restore 15.19 has known security faults: install 15.20 or later");
    CHECK(tool_fault("pg_dump", {"pg_dump", 150008}).empty());
    CHECK(tool_fault("pg_dump", {"pg_dump", 110022}) ==
          "pg_dump 11.22 has known security faults: install 12.20 or later");
    CHECK(tool_fault("pg_dump", {"pg_dump", 190000}).empty());
}

TEST_CASE("a session is quiet, limited to pg_catalog, and a refused statement can be tolerated",
          "[database]") {
    test::Side side{"postgres"};
    Connection session = connect(side.access(), "postgres", side.cancellation);
    CHECK(session.value("SHOW search_path").empty());
    CHECK(session.value("SELECT current_setting('application_name')") == "ft");
    CHECK(session.value("SELECT NULL").empty());
    CHECK(session.query("SELECT $1, NULL", {"a'b"}) == std::vector<Row>{{"a'b", std::nullopt}});
    CHECK_FALSE(session.run("SELECT 1 / 0", "22012"));
    CHECK_THROWS_WITH(session.run("SELECT 1 / 0"), "division by zero");
    CHECK(session.value("SELECT " + session.literal("\\'")) == "\\'");
    CHECK(set_clause(session, "search_path", "\"$user\", public, \"odd, \"\"s\"") ==
          "SET \"search_path\" TO '$user', 'public', 'odd, \"s'");
    CHECK(set_clause(session, "my.thing", "a, b") == "SET \"my.thing\" TO 'a, b'");

    const int server = session.server_version();
    CHECK(server >= 150000);
    side.cancellation.request("a test");
    CHECK_THROWS_WITH(session.run("SELECT 1"), "interrupted by a test");
}

TEST_CASE("a stop ends the statement that runs, here and in the server, and asks the server nothing",
          "[database]") {
    test::Side side{"postgres"};
    const test::CuttingProxy proxy{side.cluster, "never said"};
    side.system.databases.front().connection["host"] = proxy.host();
    Connection session = connect(side.access(), "postgres", side.cancellation);
    const std::string sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'";
    std::thread stopper{[&] {
        while (side.cluster.sql(sleeping) == "0\n") std::this_thread::yield();
        side.cancellation.request("a test");
    }};
    CHECK_THROWS_WITH(session.run("SELECT pg_sleep(86400)"), "interrupted by a test");
    stopper.join();
    CHECK(proxy.connections() == 1);
    while (side.cluster.sql(sleeping) != "0\n") std::this_thread::yield();
}

TEST_CASE("what a session commits is on the disk, whatever the server's default", "[database]") {
    test::Side side{"postgres"};
    side.cluster.sql("ALTER SYSTEM SET synchronous_commit TO off; SELECT pg_reload_conf()");
    side.cluster.sql("ALTER ROLE postgres SET synchronous_commit TO off");
    Connection session = connect(side.access(), "postgres", side.cancellation);
    CHECK(session.value("SHOW synchronous_commit") == "local");
}

TEST_CASE("a lost session is an error and never replaced in silence", "[database]") {
    test::Side side{"postgres"};
    Connection session = connect(side.access(), "postgres", side.cancellation);
    const std::string pid = session.value("SELECT pg_backend_pid()");
    side.cluster.sql("SELECT pg_terminate_backend(" + pid + ", 10000)");
    CHECK_THROWS_AS(session.run("SELECT 1"), base::Error);
    CHECK_THROWS_AS(session.run("SELECT 1"), base::Error);
}

}  // namespace ft::database
