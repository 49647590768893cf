#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ft/migrate/here.h"
#include "ft/migrate/migrate.h"

namespace ft::cli {

/// What the arguments ask for.
struct Request {
    /// Nothing: only `text` is to be printed (help, version).
    using Command =
        std::variant<std::monostate, migrate::SourceOptions, migrate::DestinationOptions,
                     migrate::UndoOptions, migrate::RecoverOptions, migrate::DiscardOptions,
                     migrate::StatusOptions, migrate::ServicesOptions>;
    Command command;
    bool json = false;
    std::string text;
};

/// Error usage, one line, for anything that is not a complete command.
Request parse(const std::vector<std::string>& arguments);

}  // namespace ft::cli
