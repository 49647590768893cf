#pragma once

#include "ft/base/bytes.h"
#include "ft/rsync/pull.h"
#include "ft/wire/reader.h"
#include "rsync/negotiation.h"
#include "rsync/options.h"

namespace ft::rsync {

/// What our client asks for.
Options asked_options(const PullOptions& options);

/// Client's part from the greeting to the filters, of which there are none. What needs no answer is not held
/// back for one. Error peer, with the daemon's own words, when it refuses.
Setup connect(wire::Reader& in, base::ByteSink& out, const PullOptions& options);

}  // namespace ft::rsync
