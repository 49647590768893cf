#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "ft/base/escape.h"
#include "ft/commit/commit.h"
#include "ft/database/database.h"
#include "ft/fetch/source.h"
#include "ft/migrate/migrate.h"
#include "ft/records/state_directory.h"
#include "migrate/code.h"
#include "migrate/confirm.h"
#include "migrate/heal.h"
#include "migrate/report.h"
#include "migrate/run.h"

namespace ft::migrate {

void destination(os::Machine& machine, const DestinationOptions& options, ui::Console& console,
                 base::Cancellation& cancellation, Report& report) {
    const transport::Address address = transport::parse_address(options.address);
    const system::Description system = system::load(machine, options.system_file, options.root);
    if (!options.yes) require_terminal(console, "what is on this server will be replaced");
    records::StateDirectory state{machine, system, "ft migrate --destination"};
    report.run_id = new_run_id(machine);
    report.source = options.address;
    open_run_log(state, report.run_id, console);
    // An interrupted commit decides what this server is: nothing else may look at the trees before.
    heal(machine, system, state.directory(), console, cancellation);
    // What waits to be removed would keep the commit from beginning: the admin hears it now, not in an hour.
    database::PostgresSwapper swapper{machine};
    commit::put_away(machine, state.directory(), swapper);

    const fetch::Source source{machine,
                               address.host,
                               address.port,
                               destination_code(machine, options.code_file, console, cancellation),
                               {}};
    console.phase("connect",
                  fmt::format("Connecting to {}, port {}.", base::escape(address.host), address.port));
    Run run{machine, options, system, state.directory(), source, console, cancellation, report};
    console.event("run_started", {{"run_id", report.run_id}});
    run.execute();
    write_report(state, report, console);
    run.tell_what_follows();
}

}  // namespace ft::migrate
