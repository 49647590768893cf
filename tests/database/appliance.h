#pragma once

#include <string>

#include "database/cluster.h"
#include "ft/database/database.h"

namespace ft::test {

/// A name that only correct quoting survives, as long as one may be.
inline const std::string kOddName = R"(o"dd '$(touch /tmp/x)' \! %s =1 ; -- )"
                                    "\n"
                                    "ünd 50 byte";

/// Roles of the appliance: with passwords, groups, settings, rights.
inline constexpr const char* kRoles = R"SQL(
    CREATE ROLE readers NOLOGIN;
    CREATE ROLE staff NOLOGIN CREATEDB IN ROLE readers;
    CREATE ROLE app LOGIN PASSWORD 'geheim' CONNECTION LIMIT 50 VALID UNTIL '2099-01-01 00:00:00+02' IN ROLE staff;
    ALTER ROLE app SET search_path TO "$user", public, 'a b';
    ALTER ROLE app SET work_mem TO '8MB';
    CREATE ROLE "we""ird 'role" LOGIN BYPASSRLS IN ROLE pg_monitor;
    CREATE ROLE reporter LOGIN;
    CREATE ROLE unrelated LOGIN;
)SQL";

inline constexpr const char* kDatabase = R"SQL(
    CREATE DATABASE appliance OWNER app CONNECTION LIMIT 77;
    COMMENT ON DATABASE appliance IS 'the appliance''s \ database';
    ALTER DATABASE appliance SET search_path TO public, "$user", 'odd, schema';
    ALTER DATABASE appliance SET statement_timeout TO '5min';
    ALTER DATABASE appliance SET myapp.greeting TO 'it''s "me", \';
    ALTER DATABASE appliance SET default_transaction_read_only TO off;
    ALTER ROLE app IN DATABASE appliance SET search_path TO "odd, schema", public;
    ALTER ROLE app IN DATABASE appliance SET statement_timeout TO '1min';
    ALTER ROLE reporter IN DATABASE appliance SET default_transaction_read_only TO on;
    REVOKE ALL ON DATABASE appliance FROM PUBLIC;
    GRANT CONNECT, TEMPORARY ON DATABASE appliance TO staff WITH GRANT OPTION;
    GRANT CREATE ON DATABASE appliance TO "we""ird 'role";
    SET ROLE staff;
    GRANT CONNECT ON DATABASE appliance TO readers;
)SQL";

/// 50 tables and one of nearly everything that PostgreSQL has.
inline constexpr const char* kSchema = R"SQL(
    SET search_path TO public;
    CREATE EXTENSION pg_trgm;
    CREATE EXTENSION citext;
    SET ROLE app;
    RESET ROLE;
    CREATE SCHEMA "odd, schema" AUTHORIZATION app;
    CREATE TYPE mood AS ENUM ('happy', 'so-so', 'it''s');
    CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100);
    DO $$ BEGIN
        FOR i IN 1..38 LOOP
            EXECUTE format('CREATE TABLE part_%s (id int PRIMARY KEY, parent int %s, body text NOT NULL DEFAULT %L)',
                           i, CASE WHEN i > 1 THEN format('REFERENCES part_%s', i - 1) ELSE '' END, 'x');
            EXECUTE format('INSERT INTO part_%s SELECT n, n, md5(n::text) FROM generate_series(1, %s) n', i, 60 - i);
            EXECUTE format('ALTER TABLE part_%s OWNER TO app', i);
        END LOOP;
    END $$;
    CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mail citext UNIQUE, level mood, share percent,
                        lower_mail text GENERATED ALWAYS AS (lower(mail::text)) STORED);
    INSERT INTO users (mail, level, share) SELECT 'User' || n || '@example.com', 'it''s', n % 100 FROM generate_series(1, 2000) n;
    CREATE INDEX users_mail ON users USING gin (lower_mail gin_trgm_ops);
    CREATE TABLE files (id serial PRIMARY KEY, owner bigint REFERENCES users ON DELETE CASCADE, content bytea, facts jsonb);
    INSERT INTO files (owner, content, facts)
        SELECT n, decode(md5(n::text) || '00ff5c', 'hex'), jsonb_build_object('n', n, 'text', E'a\\b"c\n') FROM generate_series(1, 500) n;
    CREATE TABLE events (at timestamptz NOT NULL, what text) PARTITION BY RANGE (at);
    CREATE TABLE events_2023 PARTITION OF events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
    CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    INSERT INTO events SELECT '2023-01-01'::timestamptz + n * interval '1 hour', 'e' || n FROM generate_series(1, 9000) n;
    CREATE TABLE base (a int); CREATE TABLE derived (b int) INHERITS (base);
    INSERT INTO base VALUES (1), (2); INSERT INTO derived VALUES (3, 4);
    CREATE UNLOGGED TABLE cache (k text, v text); INSERT INTO cache VALUES ('k', E'tab\there');
    CREATE TABLE secrets (owner name, secret text); INSERT INTO secrets VALUES ('app', 's'), ('x', 't');
    ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON secrets USING (owner = current_user);
    CREATE VIEW grown AS SELECT id, mail FROM users WHERE share > 50;
    CREATE MATERIALIZED VIEW summary AS SELECT level, count(*) AS n FROM users GROUP BY level;
    CREATE MATERIALIZED VIEW not_yet AS SELECT 1 AS one WITH NO DATA;
    CREATE SEQUENCE tickets START 1000; SELECT nextval('tickets');
    CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER trapped BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION trap();
    GRANT SELECT ON users TO readers; GRANT ALL ON files TO "we""ird 'role"; GRANT UPDATE (level) ON users TO staff;
    ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT SELECT ON TABLES TO readers;
    SELECT lo_create(4711); SELECT lo_put(4711, 0, '\x6c6172676500ff'); ALTER LARGE OBJECT 4711 OWNER TO app;
    COMMENT ON TABLE users IS E'comment\n\\! with newline';
)SQL";

inline std::string quoted(const std::string& name) {
    std::string text = "\"";
    for (const char c : name) text += c == '"' ? "\"\"" : std::string(1, c);
    return text + '"';
}

inline void make_appliance(const Cluster& cluster) {
    cluster.sql(kRoles);
    cluster.sql(kDatabase);
    cluster.sql(kSchema, "appliance");
    cluster.sql("CREATE TABLE " + quoted(kOddName) + " (" + quoted(kOddName) + " int); INSERT INTO " +
                    quoted(kOddName) + " SELECT generate_series(1, 7)",
                "appliance");
}

/// One side of a migration: a cluster, a state directory, and the description that names them.
struct Side {
    explicit Side(const std::string& database = "appliance", const std::string& authentication = "trust")
        : Side{std::make_shared<Cluster>(authentication), database} {}
    /// On a cluster that another side has too.
    Side(std::shared_ptr<Cluster> with, const std::string& database)
        : shared{std::move(with)}, cluster{*shared}, state{real_machine().open_root(place.path())} {
        system.name = "test";
        system.databases.push_back({database, cluster.connection(), "postgres"});
    }
    database::Access access() const { return {&real_machine(), &system, &system.databases.front()}; }

    std::shared_ptr<Cluster> shared;
    Cluster& cluster;
    Place place;
    std::unique_ptr<os::Directory> state;
    system::Description system;
    base::Cancellation cancellation;
};

/// A backup of `side`'s database and where it lies.
struct TestBackup {
    explicit TestBackup(Side& side)
        : directory{real_machine().open_root(place.path())},
          facts{database::make_backup(side.access(), *directory, side.cancellation,
                                      [](std::uint64_t, std::uint64_t) {})} {}

    Place place;
    std::unique_ptr<os::Directory> directory;
    system::DatabaseFacts facts;
};

inline commit::DatabaseSwap restore(Side& side, TestBackup& backup) {
    return database::restore(side.access(), backup.facts, *backup.directory, *side.state, 2,
                             side.cancellation);
}

inline std::string database_names(const Cluster& cluster) {
    return cluster.sql(
        "SELECT string_agg(datname || CASE WHEN datallowconn THEN '' ELSE ' (closed)' END, ' ' ORDER BY "
        "datname) "
        "FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')");
}

}  // namespace ft::test
