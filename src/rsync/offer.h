#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/rsync/serve.h"
#include "ft/tree/listing.h"
#include "rsync/options.h"

namespace ft::rsync {

/// What a client asked for, as it was found: the file list by the client's names.
class Offer {
public:
    /// Scans the module. A path that leads nowhere, or to what is excluded, is an empty list with a line in
    /// `problems`. Errors: io or permission when the root cannot be read; cancelled.
    Offer(const Module& module, const Options& options, base::Cancellation& cancellation);

    const tree::Listing& listing() const { return listing_; }
    /// The path below the module's root of what the list calls `name`.
    std::string path_of(std::string_view name) const;
    /// An entry that was asked for by name, or "." (the first of the list).
    bool is_top(std::size_t index) const { return index == 0; }
    /// A directory whose content is part of the list.
    bool has_content(std::size_t index) const;

    std::int32_t io_error() const { return io_error_; }
    const std::vector<std::string>& problems() const { return problems_; }  ///< lines, escaped
    const std::vector<std::string>& remarks() const { return remarks_; }    ///< lines, escaped; no problem
    std::uint64_t unreadable() const { return unreadable_; }
    std::uint64_t vanished() const { return vanished_; }

private:
    void take(tree::Listing all, const Options& options);

    tree::Listing listing_;
    std::string above_ = ".";  // what "." of the list is below the root
    bool recursive_ = false;
    std::int32_t io_error_ = 0;
    std::vector<std::string> problems_;
    std::vector<std::string> remarks_;
    std::uint64_t unreadable_ = 0;
    std::uint64_t vanished_ = 0;
};

}  // namespace ft::rsync
