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
    using Command = std::variant<migrate::SourceOptions, migrate::DestinationOptions, migrate::UndoOptions,
                                 migrate::RecoverOptions, migrate::DiscardOptions, migrate::StatusOptions,
                                 migrate::ServicesOptions>;
    Command command;  ///< nothing to be done where `text` is there
    bool json = false;
    std::string text;  ///< only to be printed: help, version
};

/// Error usage, one line, for anything that is not a complete command.
Request parse(const std::vector<std::string>& arguments);

}  // namespace ft::cli
