#pragma once

#include <string>

#include "ft/base/cancellation.h"
#include "ft/os/machine.h"
#include "ft/ui/console.h"

namespace ft::migrate {

/// Error usage, before anything is done, when `what` ("what is on this server will be replaced") needs a
/// question and there is no terminal to ask.
void require_terminal(const ui::Console& console, const std::string& what);

/// The admin goes on by typing this machine's name. Error cancelled.
void confirm_by_name(os::Machine& machine, ui::Console& console, base::Cancellation& cancellation);

}  // namespace ft::migrate
