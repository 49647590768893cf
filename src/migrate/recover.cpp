#include "ft/migrate/here.h"
#include "ft/records/state_directory.h"
#include "ft/system/description.h"
#include "migrate/heal.h"

namespace ft::migrate {

void recover(os::Machine& machine, const RecoverOptions& options, ui::Console& console) {
    const system::Description system = system::load(machine, options.system_file, options.root);
    records::StateDirectory state{machine, system, "ft recover"};
    if (!heal(machine, system, state.directory(), console).anything)
        console.say("Nothing was left unfinished here.");
}

}  // namespace ft::migrate
