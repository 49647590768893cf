#include "migrate/confirm.h"

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::migrate {

void require_terminal(const ui::Console& console, const std::string& what) {
    if (console.can_ask()) return;
    throw base::Error{base::ErrorKind::usage, what + ", and there is no terminal to ask",
                      "Add --yes when this shall be done without a question."};
}

void confirm_by_name(os::Machine& machine, ui::Console& console, base::Cancellation& cancellation) {
    const auto answer = console.ask(
        fmt::format("To go on, type this machine's name ({}): ", base::escape(machine.host_name())), false,
        cancellation);
    if (answer != machine.host_name()) throw base::Error{base::ErrorKind::cancelled, "not confirmed"};
}

}  // namespace ft::migrate
