#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ft/commit/commit.h"
#include "ft/commit/undo.h"
#include "model/pair.h"
#include "model/replica.h"
#include "support/memory_disk.h"
#include "support/memory_machine.h"

namespace ft::model {

/// A destination on a MemoryDisk: trees, state directory, a database server and the machine's name, each on a
/// file system of its own. What a database or the machine is called is the name of a file, so it is durable
/// or not like all else.
class Host : public commit::DatabaseSwapper {
public:
    explicit Host(const Pair& pair);

    test::MemoryDisk disk;

    /// What lies in each tree.
    using Trees = std::vector<Replica>;
    Trees before;  ///< as the pair has it
    Trees after;
    Trees trees() const;

    /// Stages `wanted`, durable, with a new database where the pair has one. `run`: number of the run.
    commit::Plan stage(const Trees& wanted, unsigned run, bool keep_undo = true);
    /// What is staged and will not be committed.
    void drop_incoming();
    void free_staged();
    commit::Committed commit(const commit::Plan& plan, const commit::Decided& decided = {});
    commit::Recovered recover(const commit::Decided& decided = {});
    commit::Committed undo(const commit::Decided& decided = {});
    std::vector<std::string> discard();
    bool is_mixture() const;
    /// Id of the run that can be taken back; empty when there is none.
    std::string store() const;

    /// Live trees with inodes, database, name: what "exactly the old" and "exactly the new" mean.
    std::string live() const;
    /// Nothing of ft is there but the undo store of `run`, or nothing at all when that is empty.
    bool is_tidy(const std::string& run) const;
    /// All of it: live, and what ft keeps for which run.
    std::string all() const;

    void apply(const commit::DatabaseSwap& swap) override;
    void reverse(const commit::DatabaseSwap& swap) override;
    void redo(const commit::DatabaseSwap& swap) override { apply(swap); }
    void require_reversible(const commit::DatabaseSwap& swap) override;
    void discard(const commit::DatabaseSwap& swap) override;
    void discard_incoming(const commit::DatabaseSwap& swap) override;

private:
    class NamedMachine : public test::MemoryMachine {
    public:
        explicit NamedMachine(Host& host) : MemoryMachine{host.disk}, host_{host} {}
        std::string host_name() const override;
        void set_host_name(const std::string& name) override;

    private:
        Host& host_;
    };
    using Databases = std::map<std::string, std::uint32_t>;  // name -> oid
    Databases databases() const;
    void set_databases(const Databases& databases);
    void drop(const std::string& name, std::uint32_t oid);
    std::string only_name(const char* directory) const;
    void rename_only(const char* directory, const std::string& name);
    std::unique_ptr<os::Directory> open(const std::string& path) const;

    bool has_database_;
    bool has_name_;
    std::vector<std::string> roots_;
    NamedMachine machine_{*this};
};

}  // namespace ft::model
