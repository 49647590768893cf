#pragma once

#include <cstdint>
#include <string>

namespace ft::commit {

/// The exchange of a database for the one that was restored beside it: current -> previous, incoming ->
/// current.
struct DatabaseSwap {
    std::string connection;          ///< libpq keywords of the server, as system.json has them
    std::string os_user;             ///< who connects; empty: as we are
    std::string name;                ///< current
    std::string incoming;            ///< what takes its name
    std::string previous;            ///< what it is called afterwards
    std::uint32_t incoming_oid = 0;  ///< tells which database is which, whatever it is called
    std::uint32_t current_oid = 0;   ///< 0: there is none
    bool operator==(const DatabaseSwap&) const = default;
};

/// Does swaps; the room `database` implements it. Every function may be called again after it failed or was
/// interrupted anywhere. Errors: database (the server refuses), and where nothing else is said recovery (it
/// cannot be asked: neither commit nor undo goes on until it can).
class DatabaseSwapper {
public:
    virtual ~DatabaseSwapper() = default;
    virtual void apply(const DatabaseSwap& swap) = 0;    ///< nothing to do when it is already applied
    virtual void reverse(const DatabaseSwap& swap) = 0;  ///< nothing to do when it is not applied
    /// After a reverse that shall not be: apply. A database of the run that is gone or has another name stays
    /// so; then only the replaced one is called `previous` again.
    virtual void redo(const DatabaseSwap& swap) = 0;
    /// Nothing when an applied swap can be reversed now, however long ago it was. Errors: unfit (another
    /// database has the name, or the replaced one is gone), database (the server cannot be asked).
    virtual void require_reversible(const DatabaseSwap& swap) = 0;
    /// Drops `previous` once the swap is final; nothing to do when it is gone. Error database, also when the
    /// server cannot be asked.
    virtual void discard(const DatabaseSwap& swap) = 0;
    /// Drops `incoming` once the swap is reversed for good; otherwise as discard.
    virtual void discard_incoming(const DatabaseSwap& swap) = 0;
};

}  // namespace ft::commit
