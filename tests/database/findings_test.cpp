#include <catch2/catch.hpp>

#include "database/appliance.h"
#include "ft/base/error.h"

namespace ft::test {
namespace {

using Findings = std::vector<std::string>;

system::DatabaseFacts plain_facts() {
    system::DatabaseFacts facts;
    facts.server_version = 150000;
    facts.dump_version = 150000;
    facts.encoding = "UTF8";
    facts.locale_provider = "c";
    facts.collate = "C.UTF-8";
    facts.ctype = "C.UTF-8";
    facts.extensions = {{"plpgsql", "1.0"}, {"citext", "1.0"}};
    return facts;
}

}  // namespace

TEST_CASE("everything that a restore lacks is found at once", "[database]") {
    Side side;
    side.cluster.sql("CREATE DATABASE appliance; CREATE DATABASE appliance_ft_previous");
    side.cluster.sql(
        "SELECT pg_create_logical_replication_slot('slot', 'pgoutput'); CREATE TABLE t (n int); "
        "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'holder'",
        "appliance");
    auto facts = plain_facts();
    facts.server_version = 990001;
    facts.dump_version = 990001;
    facts.encoding = "KLINGON";
    facts.collate = "tlh_QO'NOS.UTF-8";
    facts.extensions.push_back({"time\ntravel", "1"});
    const auto findings = database::destination_findings(side.access(), facts, side.cancellation);
    CHECK(findings == Findings{"PostgreSQL 15 here is older than 99 at the source",
                               "pg_restore 15 cannot read a dump of pg_dump 99: install version 99 of "
                               "PostgreSQL's client programs",
                               "unknown encoding KLINGON",
                               "locale tlh_QO'NOS.UTF-8 does not exist on the server's machine: add it "
                               "(locale-gen tlh_QO'NOS.UTF-8), "
                               "then restart PostgreSQL",
                               "extension time\\x0atravel is not installed on the server's machine",
                               "a database appliance_ft_previous exists that ft did not make: rename it",
                               "prepared transactions hold it: holder", "replication slots hold it: slot"});
}

TEST_CASE("a fit destination has no findings", "[database]") {
    Side side;
    CHECK(database::destination_findings(side.access(), plain_facts(), side.cancellation).empty());
    CHECK_FALSE(database::current_size(side.access(), side.cancellation));
    side.cluster.sql(
        "CREATE DATABASE appliance; CREATE DATABASE appliance_ft_previous; "
        "ALTER DATABASE appliance_ft_previous SET ft.restore TO previous");
    CHECK(database::destination_findings(side.access(), plain_facts(), side.cancellation).empty());
    CHECK(database::current_size(side.access(), side.cancellation).value_or(0) > 1000000);
    CHECK(database::data_directory(side.access(), side.cancellation) ==
          side.cluster.connection().at("host") + "/data");
}

TEST_CASE("a server that refuses writes and a user without rights are found", "[database]") {
    Side side;
    SECTION("read-only") {
        side.cluster.sql("ALTER SYSTEM SET default_transaction_read_only TO on; SELECT pg_reload_conf()");
        side.cluster.stop();
        side.cluster.start();
        CHECK(database::destination_findings(side.access(), plain_facts(), side.cancellation) ==
              Findings{"the server is a standby or read-only"});
    }
    SECTION("no superuser") {
        side.cluster.sql("CREATE ROLE plain LOGIN; CREATE DATABASE appliance");
        side.cluster.sql(
            "CREATE TABLE hidden (n int); CREATE TABLE guarded (n int); GRANT SELECT ON guarded TO plain; "
            "ALTER TABLE guarded ENABLE ROW LEVEL SECURITY",
            "appliance");
        side.system.databases.front().connection["user"] = "plain";
        CHECK(database::destination_findings(side.access(), plain_facts(), side.cancellation) ==
              Findings{"the restore needs a superuser of PostgreSQL: see user and os_user in system.json"});
        CHECK(database::source_findings(side.access(), side.cancellation) ==
              Findings{"no right to read public.hidden: connect as a superuser",
                       "row security hides rows of public.guarded: connect as a superuser"});
    }
}

TEST_CASE("a server that is down and a database that is missing are one clear line", "[database]") {
    Side side;
    const std::string socket = side.cluster.connection().at("host") + "/.s.PGSQL.5432";
    CHECK(database::source_findings(side.access(), side.cancellation) ==
          Findings{"connection to server on socket \"" + socket +
                   "\" failed: FATAL:  database \"appliance\" does not exist"});
    side.cluster.stop();
    const Findings down{"connection to server on socket \"" + socket +
                        "\" failed: No such file or directory"};
    CHECK(database::source_findings(side.access(), side.cancellation) == down);
    CHECK(database::destination_findings(side.access(), plain_facts(), side.cancellation) == down);
    const Place place;
    const auto directory = real_machine().open_root(place.path());
    CHECK_THROWS_WITH(database::make_backup(side.access(), *directory, side.cancellation, [](auto, auto) {}),
                      "database appliance: " + down.front());
}

}  // namespace ft::test
