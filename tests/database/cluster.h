#pragma once

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "ft/os/machine.h"

namespace ft::test {

/// The real machine: a database server cannot be imitated.
inline os::Machine& real_machine() {
    static const std::unique_ptr<os::Machine> machine = os::make_machine();
    return *machine;
}

/// A directory of its own below /tmp, gone with everything in it at the end.
class Place {
public:
    Place() {
        if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error{"mkdtemp failed"};
    }
    ~Place() { os::remove_all(*real_machine().open_root("/tmp"), path_.substr(5)); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_ = "/tmp/ft-database-XXXXXX";
};

/// A throwaway PostgreSQL server, run as `postgres`, with a socket in its own directory and without TCP.
class Cluster {
public:
    /// `authentication`: of pg_hba.conf for the socket ("trust", "peer").
    explicit Cluster(const std::string& authentication = "trust") {
        auto root = real_machine().open_root(place_.path());
        auto attributes = root->status(".")->attributes;
        attributes.uid = real_machine().accounts("/")->user_id("postgres").value();
        root->set_attributes(".", attributes);
        run({program("initdb"), "--pgdata=data", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8",
             "--no-sync", "--auth-local=" + authentication});
        std::ofstream{place_.path() + "/data/postgresql.conf", std::ios::app}
            << "listen_addresses = ''\nunix_socket_directories = '" << place_.path()
            << "'\nfsync = off\nfull_page_writes = off\nshared_buffers = 32MB\nmax_prepared_transactions = "
               "4\n"
               "wal_level = logical\nlog_min_messages = panic\n";
        start();
    }
    ~Cluster() {
        try {
            stop("immediate");
        } catch (const std::exception&) {  // was stopped by the test
        }
    }

    void start() { run({program("pg_ctl"), "--pgdata=data", "--log=log", "--wait", "start"}); }
    void stop(const std::string& mode = "fast") {
        run({program("pg_ctl"), "--pgdata=data", "--mode=" + mode, "--wait", "stop"});
    }

    /// libpq's keywords but dbname.
    std::map<std::string, std::string> connection() const {
        return {{"host", place_.path()}, {"user", "postgres"}};
    }

    /// What psql prints for `script` in `database`, without decoration; an error in it throws.
    std::string sql(const std::string& script, const std::string& database = "postgres") const {
        static std::atomic<int> scripts{0};
        const std::string file = place_.path() + "/script" + std::to_string(++scripts);
        std::ofstream{file, std::ios::trunc} << script;
        return run({program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", file}, database);
    }
    /// Everything of `database` as text: schema, rows, large objects, rights, and the database's own
    /// settings.
    std::string dump(const std::string& database, const std::string& option = "--create") const {
        return run({program("pg_dump"), option, "--restrict-key=x"}, database);
    }
    /// All roles with passwords, rights, memberships and settings.
    std::string roles() const { return run({program("pg_dumpall"), "--roles-only", "--restrict-key=x"}); }

private:
    static std::string program(const std::string& name) { return "/usr/lib/postgresql/15/bin/" + name; }

    std::string run(const std::vector<std::string>& arguments,
                    const std::string& database = "postgres") const {
        const auto directory = real_machine().open_root_to_read(place_.path());
        os::Command command;
        command.arguments = arguments;
        command.environment = {{"PGHOST", place_.path()}, {"PGUSER", "postgres"}, {"PGDATABASE", database}};
        command.user = "postgres";
        command.working_directory = directory.get();
        base::Cancellation never;
        const os::Finished finished = real_machine().processes().run(command, never);
        if (finished.status != 0) throw std::runtime_error{arguments[0] + ": " + finished.errors};
        return finished.output;
    }

    Place place_;
};

}  // namespace ft::test
