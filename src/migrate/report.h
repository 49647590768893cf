#pragma once

#include <string>

#include "ft/migrate/migrate.h"
#include "ft/records/state_directory.h"
#include "ft/ui/console.h"

namespace ft::migrate {

/// An id for a run that begins now: its time, and something random.
std::string new_run_id(os::Machine& machine);

/// Opens the run's log in the state directory; the oldest logs and reports beyond the last twenty go.
void open_run_log(records::StateDirectory& state, const std::string& run_id, ui::Console& console);

/// Writes the report of a committed run into the state directory and tells its sum.
void write_report(records::StateDirectory& state, const Report& report, ui::Console& console);

}  // namespace ft::migrate
