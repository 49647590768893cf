#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <thread>

#include "database/appliance.h"
#include "ft/base/digest.h"
#include "ft/base/error.h"
#include "ft/commit/undo.h"

namespace ft::test {
namespace {

using base::ErrorKind;

ErrorKind kind_of_failure(const std::function<void()>& action) {
    try {
        action();
    } catch (const base::Error& error) {
        UNSCOPED_INFO(error.what());
        return error.kind();
    }
    throw std::runtime_error{"nothing failed"};
}

/// A copy of a backup, as a transfer makes it: other files, root's, elsewhere.
std::unique_ptr<os::Directory> copy_of(const os::Directory& from, const Place& place) {
    auto to = real_machine().open_root(place.path());
    for (const auto& [name, inode] : from.list()) {
        const std::string content = os::read_all(from, name, 64 << 20);
        to->create_file(name)->write_at(0, base::as_bytes(content));
    }
    return to;
}

}  // namespace

TEST_CASE("a database comes across exactly: text of both dumps and roles are equal, twice", "[database]") {
    Side source;
    Side destination;
    make_appliance(source.cluster);
    destination.cluster.sql("CREATE ROLE unrelated LOGIN; CREATE ROLE readers NOLOGIN");

    for (int run = 1; run <= 2; ++run) {
        INFO("run " << run);
        TestBackup backup{source};
        const Place copied;
        const auto copy = copy_of(*backup.directory, copied);
        CHECK(database::destination_findings(destination.access(), backup.facts, destination.cancellation)
                  .empty());
        const auto swap = database::restore(destination.access(), backup.facts, *copy, *destination.state, 2,
                                            destination.cancellation);
        CHECK(database_names(destination.cluster) ==
              (run == 1 ? "appliance_ft_incoming\n" : "appliance appliance_ft_incoming\n"));
        database::PostgresSwapper swapper{real_machine()};
        swapper.apply(swap);
        swapper.apply(swap);
        database::settle(*destination.state);
        CHECK(destination.cluster.dump("appliance") == source.cluster.dump("appliance"));
        CHECK(destination.cluster.roles() == source.cluster.roles());
        swapper.discard(swap);
        swapper.discard(swap);
        CHECK(database_names(destination.cluster) == "appliance\n");
        source.cluster.sql(
            "SET search_path TO public; INSERT INTO users (mail) VALUES (now()::text); DROP TABLE IF "
            "EXISTS base CASCADE",
            "appliance");
        destination.cluster.sql("DROP TABLE public.files", "appliance");
    }
}

TEST_CASE("the replaced database of the undo store keeps its name until the next commit has ended",
          "[database]") {
    Side source;
    Side destination;
    make_appliance(source.cluster);
    destination.cluster.sql("CREATE ROLE unrelated LOGIN; CREATE ROLE readers NOLOGIN");
    database::PostgresSwapper swapper{real_machine()};
    const auto restore_and_commit = [&] {
        TestBackup backup{source};
        const Place copied;
        const auto copy = copy_of(*backup.directory, copied);
        CHECK(database::destination_findings(destination.access(), backup.facts, destination.cancellation)
                  .empty());
        const auto swap = database::restore(destination.access(), backup.facts, *copy, *destination.state, 2,
                                            destination.cancellation);
        const auto result = commit::commit(real_machine(), *destination.state,
                                           {.run_id = "run", .trees = {}, .swaps = {swap}}, swapper);
        CHECK(result.outcome == base::Outcome::committed);
        CHECK(result.left.empty());
        database::settle(*destination.state);
    };
    restore_and_commit();
    CHECK(database_names(destination.cluster) == "appliance\n");
    for (const char* previous :
         {"appliance_ft_previous", "appliance_ft_previous2", "appliance_ft_previous"}) {
        destination.cluster.sql(std::string{"CREATE TABLE public."} + previous + " ()", "appliance");
        restore_and_commit();
        CHECK(database_names(destination.cluster) == std::string{"appliance "} + previous + "\n");
    }
    const auto undone = commit::undo(real_machine(), *destination.state, swapper);
    CHECK(undone.outcome == base::Outcome::undone);
    CHECK(undone.left.empty());
    CHECK(database_names(destination.cluster) == "appliance\n");
    CHECK(destination.cluster.sql("SELECT tablename FROM pg_tables WHERE tablename ~ '_ft_previous'",
                                  "appliance") == "appliance_ft_previous\n");
    CHECK(destination.state->list().empty());
}

TEST_CASE("a backup leaves nothing in the database and names what it counted", "[database]") {
    Side source;
    make_appliance(source.cluster);
    const std::string before = source.cluster.dump("appliance");
    std::atomic<std::uint64_t> reports{0};
    const Place place;
    const auto directory = real_machine().open_root(place.path());
    const auto facts = database::make_backup(source.access(), *directory, source.cancellation,
                                             [&](std::uint64_t, std::uint64_t) { ++reports; });
    CHECK(source.cluster.dump("appliance") == before);
    CHECK(reports >= 1);
    CHECK(facts.row_counts.at("\"public\".\"users\"") == 2000);
    CHECK(facts.row_counts.at("\"public\".\"base\"") == 2);
    CHECK(facts.row_counts.at("\"public\".\"events_2023\"") == 8759);
    CHECK(facts.row_counts.at("\"public\"." + quoted(kOddName)) == 7);
    CHECK(facts.row_counts.at("\"pg_catalog\".\"pg_largeobject_metadata\"") == 1);
    CHECK(facts.owner == "app");
    CHECK(facts.server_version / 10000 == facts.dump_version / 10000);
    std::vector<std::string> roles;
    for (const auto& role : facts.roles) roles.push_back(role.name);
    CHECK(roles ==
          std::vector<std::string>{"readers", "staff", "app", "postgres", "reporter", "we\"ird 'role"});
    CHECK(facts.roles[2].password.value_or("").starts_with("SCRAM-SHA-256$"));
    CHECK(facts.dump_files.size() == directory->list().size());
}

TEST_CASE("a backup sees one moment although tables are filled and truncated meanwhile", "[database]") {
    Side source;
    Side replica{source.shared, "replica"};
    source.cluster.sql("CREATE DATABASE appliance");
    source.cluster.sql("CREATE TABLE t AS SELECT generate_series(1, 200000) AS n", "appliance");
    std::atomic<bool> done{false};
    std::thread writer{[&] {
        while (!done)
            source.cluster.sql("TRUNCATE t; INSERT INTO t SELECT generate_series(1, 1000)", "appliance");
    }};
    for (int i = 0; i < 3; ++i) {
        try {
            TestBackup backup{source};
            CHECK_NOTHROW(restore(replica, backup));
        } catch (const base::Error& error) {
            FAIL_CHECK(error.what());
        }
    }
    done = true;
    writer.join();
}

TEST_CASE("peer authentication sees the system user, not root", "[database]") {
    Side source{"appliance", "peer"};
    Side replica{source.shared, "replica"};
    source.cluster.sql("CREATE DATABASE appliance");
    source.cluster.sql("CREATE TABLE t AS SELECT 1 AS n", "appliance");
    TestBackup backup{source};
    database::PostgresSwapper{real_machine()}.apply(restore(replica, backup));
    CHECK(source.cluster.sql("SELECT n FROM t", "replica") == "1\n");

    source.system.databases.front().os_user.clear();
    const auto findings = database::source_findings(source.access(), source.cancellation);
    REQUIRE(findings.size() == 1);
    CHECK_THAT(findings[0], Catch::Contains("Peer authentication failed"));
}

TEST_CASE("databases with the oddest of names come across", "[database]") {
    const std::string other = kOddName.substr(0, kOddName.size() - 1) + "?";
    Side source{kOddName};
    Side replica{source.shared, other};
    source.cluster.sql("CREATE DATABASE " + quoted(kOddName));
    source.cluster.sql("CREATE DATABASE " + quoted(other));
    source.cluster.sql("CREATE TABLE t AS SELECT 1 AS n", kOddName);
    TestBackup backup{source};
    const auto swap = restore(replica, backup);
    CHECK(swap.incoming.size() <= 63);
    CHECK(swap.previous.size() <= 63);
    database::PostgresSwapper{real_machine()}.apply(swap);
    // Not with --create: a script cannot name it.
    CHECK(source.cluster.dump(other, "--clean") == source.cluster.dump(kOddName, "--clean"));
}

TEST_CASE("what differs from the source's facts is corrupt", "[database]") {
    Side source;
    Side replica{source.shared, "replica"};
    make_appliance(source.cluster);
    TestBackup backup{source};
    const auto facts = backup.facts;
    const auto kind = [&] { return kind_of_failure([&] { restore(replica, backup); }); };

    backup.facts.row_counts["\"public\".\"users\""] = 2001;
    CHECK_THROWS_WITH(restore(replica, backup),
                      "database replica: 1 tables differ after the restore, the first: "
                      "\"public\".\"users\": 2001 rows at the source, 2000 here");
    backup.facts = facts;
    backup.facts.row_counts["\"public\".\"lost\""] = 0;
    CHECK(kind() == ErrorKind::corrupt);
    backup.facts = facts;

    backup.directory->create_file("extra.dat");
    CHECK(kind() == ErrorKind::corrupt);
    backup.directory->remove("extra.dat");
    backup.directory->create_symlink("1.dat", "/etc/shadow");
    CHECK(kind() == ErrorKind::corrupt);
    backup.directory->remove("1.dat");
    backup.directory->change_file("toc.dat")->write_at(0, base::as_bytes("PGDMQ"));
    CHECK(kind() == ErrorKind::corrupt);
    database::abandon_all(real_machine(), *replica.state);
    CHECK(database_names(source.cluster) == "appliance\n");
}

TEST_CASE("what a restore made is removed by abandon_all or the next restore, and stays after the commit",
          "[database]") {
    Side source;
    Side destination;
    make_appliance(source.cluster);
    TestBackup backup{source};
    const std::string roles = destination.cluster.roles();
    const auto untouched = [&] {
        return database_names(destination.cluster) == "\n" && destination.cluster.roles() == roles &&
               !database::has_unfinished(*destination.state);
    };

    const auto facts = backup.facts;
    const std::string toc = os::read_all(*backup.directory, "toc.dat", 64 << 20);
    const auto at = toc.find("CREATE TYPE \"public\".\"mood\"");
    REQUIRE(at != std::string::npos);
    std::string broken = toc;
    broken.replace(at, 11, "CREATE TIPE");
    os::write_whole(*backup.directory, "toc.dat", broken);
    backup.facts.dump_files["toc.dat"] =
        base::digest_of(base::DigestKind::xxh128, base::as_bytes(broken)).hex();
    CHECK_THROWS_WITH(
        restore(destination, backup),
        "database appliance: pg_restore: could not execute query: ERROR:  syntax error at or near \"TIPE\"");
    CHECK(database::has_unfinished(*destination.state));
    database::abandon_all(real_machine(), *destination.state);
    CHECK(untouched());
    os::write_whole(*backup.directory, "toc.dat", toc);
    backup.facts = facts;

    const auto first = restore(destination, backup);
    const auto second = restore(destination, backup);
    CHECK(first.incoming_oid != second.incoming_oid);
    CHECK(database_names(destination.cluster) == "appliance_ft_incoming\n");
    database::abandon_all(real_machine(), *destination.state);
    database::abandon_all(real_machine(), *destination.state);
    CHECK(untouched());

    database::PostgresSwapper{real_machine()}.apply(restore(destination, backup));
    database::abandon_all(real_machine(), *destination.state);
    CHECK(destination.cluster.dump("appliance") == source.cluster.dump("appliance"));
    CHECK_THAT(destination.cluster.roles(), Catch::Contains("CREATE ROLE staff"));
    CHECK_FALSE(database::has_unfinished(*destination.state));
}

TEST_CASE("what system.json no longer names is removed all the same, and a failure keeps nothing else",
          "[database]") {
    Side source;
    Side lost;
    Side destination;
    source.cluster.sql("CREATE ROLE app; CREATE DATABASE appliance OWNER app");
    TestBackup backup{source};
    const std::string roles = destination.cluster.roles();
    // All need the role that the first of them makes: it goes when the last of them is gone.
    for (const std::string name : {"b", "a", "c"}) {
        destination.system.databases.front().name = name;
        restore(destination, backup);
    }
    lost.system.databases.front().name = "lost";
    database::restore(lost.access(), backup.facts, *backup.directory, *destination.state, 2,
                      lost.cancellation);
    os::write_whole(*destination.state, "restore-0", "damaged");
    destination.system.databases.clear();

    lost.cluster.stop();
    CHECK_THROWS_WITH(database::abandon_all(real_machine(), *destination.state),
                      Catch::Contains("restore-0: not written by ft: damaged"));
    CHECK(database_names(destination.cluster) == "\n");
    CHECK(destination.cluster.roles() == roles);
    destination.state->remove("restore-0");
    try {
        database::abandon_all(real_machine(), *destination.state);
        FAIL("no error");
    } catch (const base::Error& error) {
        CHECK(error.kind() == ErrorKind::database);
        CHECK_THAT(error.what(), Catch::StartsWith("database lost: connection to server"));
        CHECK_THAT(error.advice(), Catch::Contains("remove " + destination.place.path() + "/restore-"));
    }
    CHECK(destination.state->list().size() == 1);
    lost.cluster.start();
    database::abandon_all(real_machine(), *destination.state);
    CHECK(database_names(lost.cluster) == "\n");
    CHECK_FALSE(database::has_unfinished(*destination.state));
}

TEST_CASE("a foreign database with the name of ours is never touched", "[database]") {
    Side source;
    Side replica{source.shared, "replica"};
    source.cluster.sql("CREATE DATABASE appliance; CREATE DATABASE replica_ft_incoming");
    TestBackup backup{source};
    CHECK(kind_of_failure([&] { restore(replica, backup); }) == ErrorKind::unfit);
    database::abandon_all(real_machine(), *replica.state);
    CHECK(database_names(source.cluster) == "appliance replica_ft_incoming\n");
}

TEST_CASE("an interrupted backup and an interrupted restore end at once, as cancelled", "[database]") {
    Side source;
    Side replica{source.shared, "replica"};
    source.cluster.sql("CREATE DATABASE appliance");
    source.cluster.sql("CREATE TABLE t AS SELECT generate_series(1, 300000) AS n; CREATE INDEX ON t (n)",
                       "appliance");
    TestBackup backup{source};
    const Place place;
    const auto directory = real_machine().open_root(place.path());
    CHECK(kind_of_failure([&] {
              database::make_backup(
                  source.access(), *directory, source.cancellation,
                  [&](std::uint64_t, std::uint64_t) { source.cancellation.request("a test"); });
          }) == ErrorKind::cancelled);

    std::thread stopper{[&] {
        while (database_names(source.cluster) == "appliance\n") std::this_thread::yield();
        replica.cancellation.request("a test");
    }};
    CHECK(kind_of_failure([&] { restore(replica, backup); }) == ErrorKind::cancelled);
    stopper.join();
    database::abandon_all(real_machine(), *replica.state);
    CHECK(database_names(source.cluster) == "appliance\n");
}

}  // namespace ft::test
