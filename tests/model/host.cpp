#include "model/host.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "ft/base/error.h"

namespace ft::model {
namespace {

using commit::DatabaseSwap;

base::Error refusal(const std::string& why) { return {base::ErrorKind::database, "server: " + why}; }

/// The tree on a second file system: one object of each kind of change.
Pair second_tree() { return Pair::parse("changed:f>g gone:l>- new:->p same:f>f* .:d>d*"); }

}  // namespace

Host::Host(const Pair& pair)
    : before{pair.before()},
      after{pair.after()},
      has_database_{pair.database},
      has_name_{pair.host_name},
      roots_{"/data"} {
    if (pair.second_tree) {
        roots_.emplace_back("/etc");
        before.push_back(second_tree().before());
        after.push_back(second_tree().after());
    }
    for (const std::string name : {"state", "db", "name"}) {
        open("/")->create_directory(name);
        disk.mount("/" + name);
    }
    for (std::size_t i = 0; i < roots_.size(); ++i) {
        open("/")->create_directory(roots_[i].substr(1));
        disk.mount(roots_[i]);
        write_replica(*open(roots_[i]), before[i]);
    }
    open("/db")->create_file("a=1;");
    open("/db")->sync_file_system();
    open("/name")->create_file("old");
    open("/name")->sync_file_system();
    open("/")->sync_file_system();
}

std::unique_ptr<os::Directory> Host::open(const std::string& path) const {
    return const_cast<test::MemoryDisk&>(disk).open(path);
}

Host::Trees Host::trees() const {
    Trees trees;
    for (const std::string& root : roots_) trees.push_back(read_replica(*open(root)));
    return trees;
}

commit::Plan Host::stage(const Trees& wanted, unsigned run, bool keep_undo) {
    commit::Plan plan{.run_id = fmt::format("run-{}", run), .trees = {}, .swaps = {}};
    plan.keep_undo = keep_undo;
    if (has_database_) {
        Databases now = databases();
        const std::uint32_t current = now.at("a");
        const std::string previous = now.contains("a_prev") ? "a_prev2" : "a_prev";
        now["a_in"] = run * 10;
        set_databases(now);
        plan.swaps = {{"host=/run", "postgres", "a", "a_in", previous, run * 10, current}};
    }
    if (has_name_) plan.host_name = commit::HostName{only_name("/name"), fmt::format("name-{}", run)};
    for (std::size_t i = 0; i < roots_.size(); ++i) {
        const auto root = open(roots_[i]);
        staging::Staging staging{*root, staging::open_reserved(*root),
                                 commit::kept_generations(*open("/state"), *root)};
        model::stage(staging, read_replica(*root), wanted[i]);
        plan.trees.push_back({roots_[i], staging.finish()});
        staging.sync();
    }
    return plan;
}

void Host::drop_incoming() {
    Databases now = databases();
    if (now.erase("a_in") != 0) set_databases(now);
}

void Host::free_staged() {
    for (const std::string& root : roots_) {
        const auto directory = open(root);
        staging::free_staged(*directory, commit::kept_generations(*open("/state"), *directory));
    }
}

commit::Committed Host::commit(const commit::Plan& plan, const commit::Decided& decided) {
    return commit::commit(machine_, *open("/state"), plan, *this, decided);
}

commit::Recovered Host::recover(const commit::Decided& decided) {
    return commit::recover(machine_, *open("/state"), *this, decided);
}

commit::Committed Host::undo(const commit::Decided& decided) {
    return commit::undo(machine_, *open("/state"), *this, decided);
}

std::vector<std::string> Host::discard() { return commit::discard_undo(machine_, *open("/state"), *this); }

bool Host::is_mixture() const { return commit::is_mixture(*open("/state")); }

std::string Host::store() const {
    const auto store = commit::undo_store(*open("/state"));
    return store ? store->run_id : "";
}

std::string Host::live() const {
    std::string text = fmt::format("database {}\nname {}\n", databases().at("a"), only_name("/name"));
    for (const std::string& root : roots_) {
        std::istringstream lines{describe(*open(root))};
        for (std::string line; std::getline(lines, line);) {
            if (!line.starts_with(staging::kReservedDirectory)) text += root + "/" + line + '\n';
        }
    }
    return text;
}

std::string Host::all() const {
    std::string text =
        fmt::format("databases {}\nname {}\nundo store: {}\n", only_name("/db"), only_name("/name"), store());
    for (const os::Name& file : open("/state")->list()) text += "state file " + file.name + '\n';
    for (const std::string& root : roots_) {
        const auto directory = open(root);
        text += root + '\n';
        // Whether a roll back left its staged files as bases only is staging's affair.
        const std::string mark = fmt::format("/{} ", staging::kUnproved);
        std::istringstream lines{describe(*directory)};
        for (std::string line; std::getline(lines, line);) {
            const bool staged = line.starts_with(staging::kReservedDirectory);
            if (!staged || line.find(mark) == std::string::npos) text += line + '\n';
        }
        for (const auto generation : commit::kept_generations(*open("/state"), *directory))
            text += "kept " + staging::generation_name(generation) + '\n';
    }
    return text;
}

std::string Host::only_name(const char* directory) const { return open(directory)->list().at(0).name; }

void Host::rename_only(const char* directory, const std::string& name) {
    const auto there = open(directory);
    const std::string old = there->list().at(0).name;
    if (old != name) there->rename(old, *there, name);
    there->sync();
}

bool Host::is_tidy(const std::string& run) const {
    std::vector<std::string> files;
    for (const os::Name& file : open("/state")->list()) files.push_back(file.name);
    if (store() != run ||
        files != (run.empty() ? std::vector<std::string>{} : std::vector<std::string>{"undo"}))
        return false;
    const std::size_t kept = run.empty() ? 0 : 1;
    if (databases().size() != 1 + (has_database_ ? kept : 0)) return false;
    return std::all_of(roots_.begin(), roots_.end(), [&](const std::string& root) {
        const auto directory = open(root);
        if (!directory->status(staging::kReservedDirectory)) return run.empty();
        const auto there = directory->open_directory(staging::kReservedDirectory)->list();
        const auto needed = commit::kept_generations(*open("/state"), *directory);
        return there.size() == kept && needed.size() == kept &&
               there.front().name == staging::generation_name(needed.front());
    });
}

Host::Databases Host::databases() const {
    Databases databases;
    std::istringstream entries{only_name("/db")};
    for (std::string entry; std::getline(entries, entry, ';');) {
        const std::size_t equals = entry.find('=');
        databases[entry.substr(0, equals)] = static_cast<std::uint32_t>(std::stoul(entry.substr(equals + 1)));
    }
    return databases;
}

void Host::set_databases(const Databases& databases) {
    std::string text;
    for (const auto& [name, oid] : databases) text += fmt::format("{}={};", name, oid);
    rename_only("/db", text);
}

void Host::apply(const DatabaseSwap& swap) {
    Databases now = databases();
    if (now[swap.name] == swap.incoming_oid) return;
    if (now[swap.name] != swap.current_oid || now[swap.incoming] != swap.incoming_oid ||
        now.contains(swap.previous))
        throw refusal("cannot swap: " + only_name("/db"));
    now[swap.previous] = swap.current_oid;
    now[swap.name] = swap.incoming_oid;
    now.erase(swap.incoming);
    set_databases(now);
}

void Host::reverse(const DatabaseSwap& swap) {
    Databases now = databases();
    if (now[swap.name] == swap.current_oid) return;
    require_reversible(swap);
    now[swap.incoming] = swap.incoming_oid;
    now[swap.name] = swap.current_oid;
    now.erase(swap.previous);
    set_databases(now);
}

void Host::require_reversible(const DatabaseSwap& swap) {
    Databases now = databases();
    if (now[swap.name] == swap.incoming_oid && now[swap.previous] == swap.current_oid &&
        !now.contains(swap.incoming))
        return;
    throw base::Error{base::ErrorKind::unfit, "server: cannot swap back: " + only_name("/db")};
}

void Host::discard(const DatabaseSwap& swap) { drop(swap.previous, swap.current_oid); }

void Host::discard_incoming(const DatabaseSwap& swap) { drop(swap.incoming, swap.incoming_oid); }

void Host::drop(const std::string& name, std::uint32_t oid) {
    Databases now = databases();
    const auto found = now.find(name);
    if (found == now.end() || found->second != oid) return;
    now.erase(found);
    set_databases(now);
}

std::string Host::NamedMachine::host_name() const { return host_.only_name("/name"); }

void Host::NamedMachine::set_host_name(const std::string& name) { host_.rename_only("/name", name); }

}  // namespace ft::model
