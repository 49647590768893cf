#include <catch2/catch.hpp>

#include "database/appliance.h"
#include "support/error_of.h"

namespace ft::test {
namespace {

/// What `query` makes the public host name.
std::string found(Side& side, const std::string& query) {
    side.system.public_hostname.emplace();
    side.system.public_hostname->sql = query;
    side.system.public_hostname->database = "appliance";
    std::string name;
    const std::string error = error_of([&] {
        name = database::public_hostname(real_machine(), side.system, side.cancellation).value_or("none");
    });
    return error == "no error" ? name : error;
}

}  // namespace

TEST_CASE("a public host name is the one value of a query that only reads", "[public_hostname]") {
    Side side;
    CHECK_FALSE(database::public_hostname(real_machine(), side.system, side.cancellation));
    side.system.public_hostname.emplace();
    side.system.public_hostname->literal = "literal.example";
    CHECK(database::public_hostname(real_machine(), side.system, side.cancellation) == "literal.example");

    side.cluster.sql("CREATE DATABASE appliance");
    side.cluster.sql(
        "CREATE EXTENSION citext; CREATE EXTENSION pg_trgm; CREATE TABLE settings (name varchar PRIMARY KEY, "
        "value varchar); "
        "INSERT INTO settings VALUES ('host', E' files.example.com\n'), ('bad', 'no_host\x1b'), ('null', "
        "NULL); "
        "CREATE SEQUENCE s",
        "appliance");
    const std::string at = "public_hostname: database appliance: ";
    CHECK(found(side, "SELECT value FROM settings WHERE name = 'host';") == "files.example.com");
    CHECK(found(side, "SELECT value FROM public.settings WHERE name = 'bad'") ==
          at + "what its query gives is \"no_host\\x1b\": it must be a host name: labels of letters, digits "
               "and '-', joined by '.'");
    CHECK(found(side, "SELECT value FROM settings WHERE name = 'null'") ==
          at + "what its query gives is empty");
    CHECK(found(side, "SELECT value FROM settings") ==
          at + "its query gives 3 rows of 1 values: one value is wanted");
    CHECK(found(side, "SELECT value FROM settings WHERE name = 'gone'") ==
          at + "its query gives 0 rows of 0 values: one value is wanted");
    CHECK(found(side, "SELECT 'a.example', 2") ==
          at + "its query gives 1 rows of 2 values: one value is wanted");
    CHECK_THAT(found(side, "SELECT nextval('s')"), Catch::Contains("read-only transaction"));
    CHECK_THAT(found(side, "DELETE FROM settings RETURNING value"), Catch::Contains("read-only transaction"));
    CHECK_THAT(found(side, "SELECT 'a.example'; COMMIT"), Catch::Contains("multiple commands"));
    CHECK_THAT(found(side, "SELECT value FROM setings"), Catch::Contains("\"setings\" does not exist (give"));
}

TEST_CASE("a query for the public host name runs nothing that a user of the database wrote",
          "[public_hostname]") {
    Side side;
    side.cluster.sql("CREATE ROLE app; CREATE DATABASE appliance OWNER app");
    side.cluster.sql(
        "CREATE TABLE settings (name varchar, value text); INSERT INTO settings VALUES ('host', "
        "'a.example'); "
        "CREATE FUNCTION trap() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN ''trapped.example''; END'; "
        "CREATE VIEW viewed AS SELECT public.trap() AS value",
        "appliance");
    CHECK_THAT(found(side, "SELECT value FROM viewed"), Catch::Contains("access to non-system view"));
    side.cluster.sql("CREATE FUNCTION lower(varchar) RETURNS text LANGUAGE sql AS $$SELECT public.trap()$$",
                     "appliance");
    CHECK(found(side, "SELECT value FROM public.settings WHERE lower(name) = 'host'") == "a.example");
    CHECK_THAT(found(side, "SELECT value FROM settings WHERE lower(name) = 'host'"),
               Catch::Contains("with their schema"));
}

}  // namespace ft::test
