#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <optional>
#include <thread>

#include "database/appliance.h"
#include "database/cutting_proxy.h"
#include "ft/base/error.h"

namespace ft::test {
namespace {

using commit::DatabaseSwap;

/// A server with `current` (a table that says "old") and a restored `incoming` ("new").
struct Pair {
    Side side;
    database::PostgresSwapper swapper{real_machine()};
    DatabaseSwap swap;

    Pair() {
        const Cluster& cluster = side.cluster;
        cluster.sql(
            "CREATE DATABASE appliance; CREATE DATABASE appliance_ft_incoming; "
            "ALTER DATABASE appliance_ft_incoming SET ft.restore TO incoming");
        cluster.sql("CREATE TABLE t AS SELECT 'old' AS what", "appliance");
        cluster.sql("CREATE TABLE t AS SELECT 'new' AS what", "appliance_ft_incoming");
        swap = {"host='" + cluster.connection().at("host") + "' user='postgres'",
                "postgres",
                "appliance",
                "appliance_ft_incoming",
                "appliance_ft_previous",
                oid("appliance_ft_incoming"),
                oid("appliance")};
    }
    std::uint32_t oid(const std::string& name) const {
        return static_cast<std::uint32_t>(
            std::stoul(side.cluster.sql("SELECT oid FROM pg_database WHERE datname = '" + name + "'")));
    }
    std::string current() const { return side.cluster.sql("SELECT what FROM t", "appliance"); }
    std::string names() const { return database_names(side.cluster); }
    std::string settings() const {
        return side.cluster.sql(
            "SELECT datname, setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase");
    }
};

/// A client that connects again whenever it is thrown out.
class Client {
public:
    explicit Client(const Cluster& cluster)
        : thread_{[this, &cluster] {
              while (!stop_) {
                  try {
                      cluster.sql("SELECT pg_sleep(60)", "appliance");
                  } catch (const std::runtime_error&) {
                      ++ended_;
                  }
              }
          }} {}
    ~Client() { thread_.join(); }
    void stop() { stop_ = true; }
    int ended() const { return ended_; }

private:
    std::atomic<bool> stop_{false};
    std::atomic<int> ended_{0};
    std::thread thread_;
};

}  // namespace

TEST_CASE("a swap, its reverse, and a swap again leave names, doors and marks as they must be",
          "[database]") {
    Pair pair;
    const std::string before = pair.settings();
    pair.swapper.apply(pair.swap);
    CHECK(pair.names() == "appliance appliance_ft_previous\n");
    CHECK(pair.current() == "new\n");
    CHECK(pair.settings() == "appliance_ft_previous|{ft.restore=previous}\n");
    pair.swapper.apply(pair.swap);
    CHECK(pair.current() == "new\n");

    pair.swapper.reverse(pair.swap);
    CHECK(pair.names() == "appliance appliance_ft_incoming\n");
    CHECK(pair.current() == "old\n");
    CHECK(pair.settings() == before);
    pair.swapper.reverse(pair.swap);
    CHECK(pair.current() == "old\n");

    pair.swapper.discard(pair.swap);
    CHECK(pair.names() == "appliance appliance_ft_incoming\n");
    pair.swapper.apply(pair.swap);
    pair.swapper.discard(pair.swap);
    pair.swapper.discard(pair.swap);
    CHECK(pair.names() == "appliance\n");
    CHECK(pair.current() == "new\n");
    CHECK_THROWS_AS(pair.swapper.reverse(pair.swap), base::Error);
    CHECK(pair.names() == "appliance\n");
}

TEST_CASE("a first database is put in place, and taken back", "[database]") {
    Pair pair;
    pair.side.cluster.sql("DROP DATABASE appliance");
    pair.swap.current_oid = 0;
    pair.swapper.apply(pair.swap);
    CHECK(pair.names() == "appliance\n");
    pair.swapper.reverse(pair.swap);
    CHECK(pair.names() == "appliance_ft_incoming\n");
    pair.swapper.reverse(pair.swap);
    CHECK(pair.names() == "appliance_ft_incoming\n");
}

TEST_CASE("clients that come back all the time do not keep a swap from happening", "[database]") {
    Pair pair;
    std::optional<Client> client{std::in_place, pair.side.cluster};
    while (pair.side.cluster.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'appliance'") ==
           "0\n") {
        std::this_thread::yield();
    }
    pair.swapper.apply(pair.swap);
    CHECK(pair.current() == "new\n");
    client->stop();
    pair.swapper.reverse(pair.swap);  // ends the client's last session too
    CHECK(client->ended() >= 1);
    CHECK(pair.current() == "old\n");
    client.reset();
}

TEST_CASE("a swap that was cut short behind closed doors is taken back with open doors, or goes on",
          "[database]") {
    Pair pair;
    const std::string close =
        "ALTER DATABASE appliance ALLOW_CONNECTIONS false; "
        "ALTER DATABASE appliance_ft_incoming ALLOW_CONNECTIONS false";
    pair.side.cluster.sql(close);
    pair.swapper.reverse(pair.swap);
    CHECK(pair.current() == "old\n");
    pair.side.cluster.sql(close);
    pair.swapper.apply(pair.swap);
    CHECK(pair.names() == "appliance appliance_ft_previous\n");
    CHECK(pair.current() == "new\n");
}

TEST_CASE("what keeps a swap from happening is named, and the doors stay open", "[database]") {
    Pair pair;
    const auto untouched = [&] {
        return pair.names() == "appliance appliance_ft_incoming\n" && pair.current() == "old\n";
    };
    pair.side.cluster.sql("BEGIN; INSERT INTO t VALUES ('x'); PREPARE TRANSACTION 'holder'", "appliance");
    CHECK_THROWS_WITH(pair.swapper.apply(pair.swap),
                      "database appliance: a prepared transaction holds it: holder");
    CHECK(untouched());
    pair.side.cluster.sql("ROLLBACK PREPARED 'holder'", "appliance");

    pair.side.cluster.sql("CREATE DATABASE appliance_ft_previous");
    CHECK_THROWS_WITH(pair.swapper.apply(pair.swap), Catch::Contains("that ft did not make"));
    pair.side.cluster.sql("DROP DATABASE appliance_ft_previous");
    CHECK(untouched());

    DatabaseSwap impossible = pair.swap;
    impossible.previous = "not UTF-8: \xff";
    CHECK_THROWS_AS(pair.swapper.apply(impossible), base::Error);
    CHECK(untouched());

    // Fails in the transaction itself, after the doors were closed.
    impossible.previous = "appliance";
    CHECK_THROWS_WITH(pair.swapper.apply(impossible), Catch::Contains("already exists"));
    CHECK(untouched());

    pair.side.cluster.sql("DROP DATABASE appliance");
    pair.side.cluster.sql("CREATE DATABASE appliance");
    CHECK_THROWS_WITH(pair.swapper.apply(pair.swap),
                      "database appliance: another database has taken this name");
}

TEST_CASE("a swap whose answer is lost is a swap; one whose transaction is lost leaves the doors open",
          "[database]") {
    Pair pair;
    DatabaseSwap swap = pair.swap;
    const auto through = [&](const CuttingProxy& proxy) {
        swap.connection = "host='" + proxy.host() + "' user='postgres'";
    };
    {
        const CuttingProxy proxy{pair.side.cluster, "RENAME"};
        through(proxy);
        CHECK_THROWS_AS(pair.swapper.apply(swap), base::Error);
        CHECK(proxy.has_cut());
        CHECK(pair.names() == "appliance appliance_ft_incoming\n");
        CHECK(pair.current() == "old\n");
    }
    {
        const CuttingProxy proxy{pair.side.cluster, "COMMIT"};
        through(proxy);
        CHECK_NOTHROW(pair.swapper.apply(swap));
        CHECK(proxy.has_cut());
        CHECK(pair.names() == "appliance appliance_ft_previous\n");
        CHECK(pair.current() == "new\n");
    }
}

TEST_CASE("the replaced database of an earlier run gives way", "[database]") {
    Pair pair;
    pair.side.cluster.sql(
        "CREATE DATABASE appliance_ft_previous; "
        "ALTER DATABASE appliance_ft_previous SET ft.restore TO previous");
    pair.swapper.apply(pair.swap);
    CHECK(pair.names() == "appliance appliance_ft_previous\n");
    CHECK(pair.side.cluster.sql("SELECT what FROM t", "appliance_ft_previous") == "old\n");
}

TEST_CASE("a replaced database that was a template goes like any other", "[database]") {
    Pair pair;
    pair.side.cluster.sql("ALTER DATABASE appliance IS_TEMPLATE true");
    pair.swapper.apply(pair.swap);
    pair.swapper.discard(pair.swap);
    CHECK(pair.side.cluster.sql("SELECT count(*) FROM pg_database WHERE datname ~ 'appliance'") == "1\n");
    CHECK(pair.current() == "new\n");
}

TEST_CASE("a server that stops in the middle of a swap is swapped when it is back", "[database]") {
    Pair pair;
    pair.side.cluster.stop("immediate");
    CHECK_THROWS_AS(pair.swapper.apply(pair.swap), base::Error);
    CHECK_THROWS_AS(pair.swapper.reverse(pair.swap), base::Error);
    pair.side.cluster.start();
    pair.swapper.apply(pair.swap);
    CHECK(pair.current() == "new\n");
}

TEST_CASE("the database postgres itself can be swapped", "[database]") {
    Pair pair;
    pair.swap.name = "postgres";
    pair.swap.previous = "postgres_ft_previous";
    pair.swap.current_oid = pair.oid("postgres");
    pair.swapper.apply(pair.swap);
    CHECK(pair.side.cluster.sql("SELECT what FROM t", "postgres") == "new\n");
}

namespace {

/// The kind of the error; nothing when there is none.
std::optional<base::ErrorKind> kind_of(const std::function<void()>& action) {
    try {
        action();
        return std::nullopt;
    } catch (const base::Error& error) {
        CHECK_THAT(error.what(), Catch::StartsWith("database appliance"));
        return error.kind();
    }
}

}  // namespace

TEST_CASE("a swap of long ago is reversed with the rows of then, and what the run brought is dropped",
          "[database]") {
    Pair pair;
    pair.swapper.apply(pair.swap);
    pair.side.cluster.sql("INSERT INTO t VALUES ('since'); CREATE TABLE later (a int)", "appliance");
    pair.side.cluster.stop("fast");
    pair.side.cluster.start();
    std::optional<Client> client{std::in_place, pair.side.cluster};
    CHECK_NOTHROW(pair.swapper.require_reversible(pair.swap));
    client->stop();
    pair.swapper.reverse(pair.swap);  // ends the client's last session too
    CHECK_NOTHROW(pair.swapper.require_reversible(pair.swap));  // an undo that goes on
    CHECK(pair.current() == "old\n");
    CHECK(pair.names() == "appliance appliance_ft_incoming\n");
    CHECK(pair.settings() == "appliance_ft_incoming|{ft.restore=incoming}\n");
    SECTION("for good") {
        pair.swapper.discard_incoming(pair.swap);
        pair.swapper.discard_incoming(pair.swap);
        CHECK(pair.names() == "appliance\n");
        CHECK(pair.current() == "old\n");
    }
    SECTION("not, after all") {
        for (int repeated = 0; repeated < 2; ++repeated) {
            pair.swapper.redo(pair.swap);
            CHECK(pair.names() == "appliance appliance_ft_previous\n");
            CHECK(pair.current() == "new\nsince\n");
            CHECK(pair.settings() == "appliance_ft_previous|{ft.restore=previous}\n");
        }
        pair.swapper.discard_incoming(pair.swap);
        CHECK(pair.current() == "new\nsince\n");
    }
    pair.side.cluster.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'appliance'");
    client.reset();
}

TEST_CASE("what keeps an old swap from being reversed is said before anything is changed", "[database]") {
    Pair pair;
    pair.swapper.apply(pair.swap);
    SECTION("the replaced database is gone") {
        pair.side.cluster.sql("DROP DATABASE appliance_ft_previous");
        CHECK(kind_of([&] { pair.swapper.require_reversible(pair.swap); }) == base::ErrorKind::unfit);
        CHECK(pair.current() == "new\n");
    }
    SECTION("it has another name") {
        pair.side.cluster.sql("ALTER DATABASE appliance_ft_previous RENAME TO kept");
        CHECK(kind_of([&] { pair.swapper.require_reversible(pair.swap); }) == base::ErrorKind::unfit);
        CHECK(kind_of([&] { pair.swapper.reverse(pair.swap); }) == base::ErrorKind::database);
        CHECK(pair.names() == "appliance kept\n");
    }
    SECTION("another database has the name") {
        pair.side.cluster.sql("DROP DATABASE appliance");
        pair.side.cluster.sql("CREATE DATABASE appliance");
        CHECK(kind_of([&] { pair.swapper.require_reversible(pair.swap); }) == base::ErrorKind::unfit);
        CHECK(kind_of([&] { pair.swapper.reverse(pair.swap); }) == base::ErrorKind::database);
        CHECK(pair.names() == "appliance appliance_ft_previous\n");
    }
    SECTION("another database has the name that the run's would get") {
        pair.side.cluster.sql("CREATE DATABASE appliance_ft_incoming");
        CHECK(kind_of([&] { pair.swapper.require_reversible(pair.swap); }) == base::ErrorKind::unfit);
        CHECK(kind_of([&] { pair.swapper.reverse(pair.swap); }) == base::ErrorKind::database);
        CHECK(pair.current() == "new\n");
    }
    SECTION("the server is not there") {
        pair.side.cluster.stop("fast");
        CHECK(kind_of([&] { pair.swapper.require_reversible(pair.swap); }) == base::ErrorKind::database);
        CHECK(kind_of([&] { pair.swapper.reverse(pair.swap); }) == base::ErrorKind::recovery);
        CHECK(kind_of([&] { pair.swapper.redo(pair.swap); }) == base::ErrorKind::recovery);
        CHECK(kind_of([&] { pair.swapper.discard(pair.swap); }) == base::ErrorKind::database);
        CHECK(kind_of([&] { pair.swapper.discard_incoming(pair.swap); }) == base::ErrorKind::database);
        pair.side.cluster.start();
        CHECK(pair.current() == "new\n");
    }
}

TEST_CASE("a run's database that is gone keeps no undo from happening, and a redo from its way",
          "[database]") {
    Pair pair;
    pair.swapper.apply(pair.swap);
    pair.side.cluster.sql("DROP DATABASE appliance");
    CHECK_NOTHROW(pair.swapper.require_reversible(pair.swap));
    pair.swapper.reverse(pair.swap);
    CHECK(pair.names() == "appliance\n");
    CHECK(pair.current() == "old\n");
    CHECK(pair.settings().empty());
    for (int repeated = 0; repeated < 2; ++repeated) {
        pair.swapper.redo(pair.swap);
        CHECK(pair.names() == "appliance_ft_previous\n");
        CHECK(pair.settings() == "appliance_ft_previous|{ft.restore=previous}\n");
    }
    pair.swapper.reverse(pair.swap);
    CHECK(pair.current() == "old\n");
}

TEST_CASE("a run's database that has another name stays under it", "[database]") {
    Pair pair;
    pair.swapper.apply(pair.swap);
    pair.side.cluster.sql("ALTER DATABASE appliance RENAME TO renamed");
    CHECK_NOTHROW(pair.swapper.require_reversible(pair.swap));
    pair.swapper.reverse(pair.swap);
    CHECK(pair.names() == "appliance renamed\n");
    pair.swapper.redo(pair.swap);
    CHECK(pair.names() == "appliance_ft_previous renamed\n");
    pair.swapper.reverse(pair.swap);
    pair.swapper.discard_incoming(pair.swap);
    CHECK(pair.names() == "appliance renamed\n");
    CHECK(pair.current() == "old\n");
}

}  // namespace ft::test
