#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>
#include <vector>

#include "database/appliance.h"
#include "ft/base/error.h"
#include "support/error_of.h"

namespace ft::test {
namespace {

using Findings = std::vector<std::string>;

constexpr const char* kSettings =
    "CREATE TABLE settings (name text PRIMARY KEY, value text, slot int UNIQUE); "
    "INSERT INTO settings VALUES ('mail', 'old@example.com', 1), ('quota', '100', 2), ('relay', 'old', 3)";

/// Two sides, each with a database `appliance` made by its script.
struct Pair {
    Pair(const std::string& there, const std::string& here, std::vector<system::KeptRows> rules) {
        source.cluster.sql("CREATE DATABASE appliance");
        source.cluster.sql(there, "appliance");
        if (!here.empty()) {
            destination.cluster.sql("CREATE DATABASE appliance");
            destination.cluster.sql(here, "appliance");
        }
        destination.system.keep_rows = std::move(rules);
        backup.emplace(source);
        backup->facts.kept =
            database::kept_facts(source.access(), destination.system.keep_rows, source.cancellation);
    }

    Findings findings() {
        return database::destination_findings(destination.access(), backup->facts, destination.cancellation);
    }
    std::vector<database::KeptCount> keep() {
        restore(destination, *backup);
        return database::keep_rows(destination.access(), destination.cancellation);
    }
    std::string incoming(const std::string& query) {
        return destination.cluster.sql(query, "appliance_ft_incoming");
    }

    Side source;
    Side destination;
    std::optional<TestBackup> backup;
};

const system::KeptRows kKept{"appliance", "settings", "name", {"mail", "relay", "gone"}};

}  // namespace

TEST_CASE("the own row wins, a row that is not here is removed, all others are the source's", "[kept]") {
    Pair pair{
        kSettings,
        "CREATE TABLE settings (name text PRIMARY KEY, value text, slot int, extra int); "
        "INSERT INTO settings VALUES ('mail', NULL, 1), ('gone', E'it''s \\\\ \"x\"', 7), ('quota', '5', 8)",
        {kKept}};
    CHECK(pair.findings() == Findings{});
    const auto counts = pair.keep();
    REQUIRE(counts.size() == 1);
    CHECK(counts[0].rule == "appliance.settings: name in (mail, relay, gone)");
    CHECK(counts[0].rows == 2);
    CHECK(pair.incoming("SELECT name, coalesce(value, '<null>'), slot FROM settings ORDER BY 1") ==
          "gone|it's \\ \"x\"|7\nmail|<null>|1\nquota|100|2\n");
}

TEST_CASE("a first run removes the source's rows of the kept keys", "[kept]") {
    Pair pair{kSettings, "", {kKept}};
    CHECK(pair.findings() == Findings{});
    CHECK(pair.keep()[0].rows == 0);
    CHECK(pair.incoming("SELECT name FROM settings") == "quota\n");
}

TEST_CASE("values of every kind come across as they are, generated ones anew", "[kept]") {
    constexpr const char* kTable =
        "CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('happy', 'it''s'); CREATE DOMAIN few AS int "
        "CHECK (VALUE < 9);"
        "CREATE TABLE \"Odd table\" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, on_ bool, "
        "\"we\"\"ird $1\" citext, "
        "m mood, f few, r float8, d interval, b bytea, j jsonb, a text[], t timestamptz, c money, x xml, "
        "twice int GENERATED ALWAYS AS (f * 2) STORED); ";
    Pair pair{
        std::string{kTable} + "INSERT INTO \"Odd table\" (on_, m) VALUES (true, 'happy'), (false, 'happy')",
        std::string{kTable} +
            "INSERT INTO \"Odd table\" (on_) VALUES (NULL); INSERT INTO \"Odd table\" OVERRIDING SYSTEM "
            "VALUE "
            "VALUES (77, true, 'Ab', 'it''s', 4, 0.1::float8 + 0.2, '-1 day -00:00:01', '\\x00ff', '{\"a\": "
            "1}', "
            "ARRAY['x', NULL, 'a\"b'], '2024-01-01 10:00+05', 12.34, '<a/>')",
        {{"appliance", "public.Odd table", "on_", {"true"}}}};
    pair.destination.cluster.sql(
        "ALTER DATABASE appliance SET extra_float_digits TO 0; ALTER DATABASE appliance SET intervalstyle TO "
        "sql_standard");
    CHECK(pair.findings() == Findings{});
    CHECK(pair.keep()[0].rows == 1);
    const std::string all = "SELECT * FROM \"Odd table\" WHERE on_ ORDER BY id";
    CHECK(pair.incoming("SET extra_float_digits TO 1; " + all) ==
          pair.destination.cluster.sql("SET extra_float_digits TO 1; SET intervalstyle TO postgres; " + all,
                                       "appliance"));
    CHECK(pair.incoming("INSERT INTO \"Odd table\" (f) VALUES (1) RETURNING id") == "78\n");
}

TEST_CASE("what the source lacks and what clashes is found before anything is fetched", "[kept]") {
    Pair pair{kSettings,
              "CREATE TABLE settings (name text PRIMARY KEY, value text, slot int); "
              "INSERT INTO settings VALUES ('mail', 'x', 2), ('relay', 'y', 9), ('gone', 'z', NULL)",
              {kKept,
               {"appliance", "other.settings", "name", {"x"}},
               {"appliance", "settings", "nam\ne", {"x"}},
               {"appliance", "pg_catalog.pg_authid", "rolname", {"x"}},
               {"appliance", "settings; DROP TABLE settings", "name", {"x"}},
               {"another", "settings", "name", {"x"}}}};
    CHECK(
        pair.findings() ==
        Findings{"keep.rows: the source has no table other.settings with a column name",
                 "keep.rows: the source has no table settings with a column nam\\x0ae",
                 "keep.rows: the source has no table pg_catalog.pg_authid with a column rolname",
                 "keep.rows: the source has no table settings; DROP TABLE settings with a column name",
                 "keep.rows: table settings: a row that is kept has (slot) = (2), and so has another row of "
                 "the source"});
    pair.destination.system.keep_rows = {kKept};
    CHECK_THAT(error_of([&] { pair.keep(); }), Catch::Contains("(slot)=(2) already exists"));
}

TEST_CASE("rules of one table go together", "[kept]") {
    Pair pair{kSettings,
              "CREATE TABLE settings (name text PRIMARY KEY, value text, slot int); "
              "INSERT INTO settings VALUES ('mail', 'x', 3), ('own', 'y', 2)",
              {{"appliance", "settings", "name", {"mail", "relay"}},
               {"appliance", "public.settings", "slot", {"2", "3"}}}};
    CHECK(pair.findings() == Findings{});
    const auto counts = pair.keep();
    REQUIRE(counts.size() == 2);
    CHECK(counts[0].rows == 1);
    CHECK(counts[1].rows == 2);
    CHECK(pair.incoming("SELECT name, value FROM settings ORDER BY 1") == "mail|x\nown|y\n");
}

TEST_CASE("a source tells only of tables that are asked for, and not too much", "[kept]") {
    Side source;
    source.cluster.sql("CREATE DATABASE appliance");
    source.cluster.sql(kSettings, "appliance");
    source.cluster.sql(
        "CREATE TABLE big (id int PRIMARY KEY, name text UNIQUE, long text, UNIQUE (name, id) INCLUDE "
        "(long)); "
        "CREATE UNIQUE INDEX ON big (lower(name)); CREATE UNIQUE INDEX ON big (name) WHERE id > 3; "
        "INSERT INTO big VALUES (1, 'a', 'l'), (2, NULL, 'l'), (3, 'c', 'l')",
        "appliance");
    const auto kept = [&](const system::KeptRows& rule) {
        return database::kept_facts(source.access(), {rule}, source.cancellation);
    };
    const std::vector<system::KeptTable> expected{{"big",
                                                   "long",
                                                   {{{"id"}, {{"1"}, {"2"}, {"3"}}},
                                                    {{"name"}, {{"a"}, {"c"}}},
                                                    {{"name", "id"}, {{"a", "1"}, {"c", "3"}}}}}};
    CHECK(kept({"appliance", "big", "long", {"x"}}) == expected);
    CHECK(kept({"appliance", "settings", "name", {"mail"}}) ==
          std::vector<system::KeptTable>{{"settings", "name", {{{"slot"}, {{"2"}, {"3"}}}}}});
    source.cluster.sql("INSERT INTO big SELECT n FROM generate_series(10, 100010) n", "appliance");
    CHECK(kept({"appliance", "big", "long", {"x"}})[0].unique.size() == 2);
    source.cluster.sql("DELETE FROM big WHERE id > 3; UPDATE big SET name = repeat('x', 20000) WHERE id = 1",
                       "appliance");
    CHECK(kept({"appliance", "big", "long", {"x"}})[0].unique.size() == 1);
}

TEST_CASE("foreign keys hold: what replaces a row keeps what refers to it, what would dangle is an error",
          "[kept]") {
    const std::string schema =
        "CREATE TABLE users (id int PRIMARY KEY, login text); "
        "CREATE TABLE posts (id int PRIMARY KEY, author int REFERENCES users ON DELETE CASCADE); ";
    const std::string there =
        schema +
        "INSERT INTO users VALUES (1, 'admin'), (2, 'u'), (3, 'v'); INSERT INTO posts VALUES (1, 1), (2, 2)";
    {
        Pair pair{there,
                  schema + "INSERT INTO users VALUES (1, 'own admin')",
                  {{"appliance", "users", "id", {"1", "3"}}}};
        CHECK(pair.keep()[0].rows == 1);
        CHECK(pair.incoming("SELECT * FROM users ORDER BY 1") == "1|own admin\n2|u\n");
        CHECK(pair.incoming("SELECT * FROM posts ORDER BY 1") == "1|1\n2|2\n");

        pair.destination.system.keep_rows = {{"appliance", "users", "id", {"1", "2"}}};
        const std::string dangling = error_of([&] { pair.keep(); });
        CHECK_THAT(
            dangling,
            Catch::Equals("database appliance: keep.rows: 1 rows of public.posts would refer to rows that "
                          "public.users does not have (foreign key posts_author_fkey)"));
        CHECK(pair.incoming("SELECT count(*) FROM users") == "3\n");
    }
    Pair pair{there,
              schema + "INSERT INTO users VALUES (9, 'x'); INSERT INTO posts VALUES (2, 9)",
              {{"appliance", "posts", "id", {"2"}}}};
    CHECK_THAT(error_of([&] { pair.keep(); }), Catch::Contains("posts_author_fkey"));
}

TEST_CASE("no code of the database runs when rows are kept", "[kept]") {
    const std::string traps =
        std::string{kSettings} +
        "; CREATE TABLE trapped (what text); CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN INSERT INTO public.trapped VALUES (TG_NAME); RETURN coalesce(NEW, OLD); END'; "
        "CREATE TRIGGER trap BEFORE INSERT OR DELETE ON settings FOR EACH ROW EXECUTE FUNCTION trap(); "
        "CREATE RULE trap AS ON INSERT TO settings DO ALSO INSERT INTO trapped VALUES ('rule');"
        "CREATE TYPE pair AS (a int, b int); CREATE FUNCTION pair_text(pair) RETURNS text LANGUAGE sql AS "
        "'INSERT INTO public.trapped VALUES (''cast''); SELECT ''7''::text'; "
        "CREATE CAST (pair AS text) WITH FUNCTION pair_text(pair); ALTER TABLE settings ADD p pair UNIQUE "
        "DEFAULT NULL; "
        "UPDATE settings SET p = ROW(slot, slot)";
    Pair pair{traps, traps, {kKept, {"appliance", "settings", "p", {"(2,2)"}}}};
    CHECK(pair.findings() == Findings{});
    const auto counts = pair.keep();
    CHECK(counts[0].rows == 2);
    CHECK(counts[1].rows == 1);
    CHECK(pair.incoming("SELECT * FROM trapped").empty());
    CHECK(pair.source.cluster.sql("SELECT * FROM trapped", "appliance").empty());
    CHECK(pair.destination.cluster.sql("SELECT * FROM trapped", "appliance").empty());

    pair.source.cluster.sql("ALTER TABLE settings ENABLE ALWAYS TRIGGER trap", "appliance");
    pair.backup.emplace(pair.source);
    CHECK_THAT(error_of([&] { pair.keep(); }),
               Catch::EndsWith(
                   "\"public\".\"settings\": its trigger trap is enabled always: it would run for each row "
                   "that is kept"));
}

TEST_CASE("deferrable keys and partitions are no way around a clash", "[kept]") {
    const std::string schema =
        "CREATE TABLE t (id int, place int, kind text, UNIQUE (place) DEFERRABLE INITIALLY DEFERRED); "
        "CREATE TABLE p (id int, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region); "
        "CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a'); CREATE TABLE p_b PARTITION OF p FOR VALUES IN "
        "('b'); ";
    Pair pair{
        schema + "INSERT INTO t VALUES (1, 1, 'x'), (2, 2, 'x'); INSERT INTO p VALUES (1, 'a'), (2, 'b')",
        schema + "INSERT INTO t VALUES (1, 2, 'own'); INSERT INTO p VALUES (7, 'b'), (1, 'b')",
        {{"appliance", "p", "id", {"1", "2", "7"}}}};
    CHECK(pair.findings() == Findings{});
    CHECK(pair.keep()[0].rows == 2);
    CHECK(pair.incoming("SELECT * FROM p ORDER BY 1") == "1|b\n7|b\n");
    pair.destination.system.keep_rows = {{"appliance", "t", "id", {"1"}}};
    CHECK_THAT(error_of([&] { pair.keep(); }), Catch::Contains("could not create unique index"));
}

}  // namespace ft::test
