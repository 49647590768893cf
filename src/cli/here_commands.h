#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <string>

#include "cli/migrate_options.h"

namespace ft::cli {

/// What every command is told.
struct CommonOptions {
    std::string system_file = "/etc/ft/system.json";
    std::string root = "/";
    bool json = false;
};
void add_common(CLI::App& command, CommonOptions& common);
/// Absolute, so that it means the same wherever ft goes; empty stays empty.
std::string absolute(const std::string& path);

/// The commands that work on this machine alone. Lives as long as the app that it adds them to.
class HereCommands {
public:
    HereCommands(CLI::App& app, CommonOptions& common);

    /// The one that was given; null: none.
    const CLI::App* given() const;
    /// What it asks for.
    Request::Command request() const;

private:
    const CommonOptions& common_;
    CLI::App* undo_;
    CLI::App* recover_;
    CLI::App* discard_;
    CLI::App* status_;
    CLI::App* start_services_;
    migrate::UndoOptions undo_options_;
};

}  // namespace ft::cli
