#pragma once

#include "database/remembered.h"
#include "ft/database/database.h"

namespace ft::database {

/// Drops the remembered database, if it still has the incoming name: under another one it has been committed,
/// and its roles are forgotten.
void drop_remembered_database(os::Machine& machine, os::Directory& state, Remembered left,
                              base::Cancellation& cancellation);
/// Drops the remembered roles, unless their database still stands. What something else depends on stays,
/// remembered.
void drop_remembered_roles(os::Machine& machine, os::Directory& state, Remembered left,
                           base::Cancellation& cancellation);

/// Both for the database of `access`, and what a restore has to remember from then on.
Remembered remove_leftovers(const Access& access, os::Directory& state, base::Cancellation& cancellation);

}  // namespace ft::database
