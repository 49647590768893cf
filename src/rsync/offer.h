#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/rsync/serve.h"
#include "ft/tree/listing.h"
#include "ft/wire/file_list.h"
#include "rsync/options.h"

namespace ft::rsync {

/// What a client asked for, as it is found: the file list by the client's names.
class Offer {
public:
    /// Both are referred to.
    Offer(const Module& module, const Options& options);

    /// Of an entry and its index. Its checksum and its numbers of extended attributes are to be filled in
    /// yet.
    using Listed = std::function<void(wire::Entry&, std::size_t)>;
    /// Scans the module, once. `listed` hears of each entry of the list as soon as it is found. A path that
    /// leads nowhere, or to what is excluded, is an empty list with a line in `problems`. Errors: io or
    /// permission when the root cannot be read; cancelled; what `listed` throws, neither io nor permission.
    void scan(const Listed& listed, base::Cancellation& cancellation);

    /// The path below the module's root of what the list calls `name`.
    std::string path_of(std::string_view name) const;

    // Behind the scan:
    const tree::Listing& listing() const { return listing_; }
    std::int32_t io_error() const { return io_error_; }
    const std::vector<std::string>& problems() const { return problems_; }  ///< lines, escaped
    const std::vector<std::string>& remarks() const { return remarks_; }    ///< lines, escaped; no problem
    std::uint64_t unreadable() const { return unreadable_; }
    std::uint64_t vanished() const { return vanished_; }

private:
    bool is_whole() const { return options_.recurse && top_ == "."; }
    std::optional<std::string_view> name_of(const tree::Item& item) const;
    wire::Entry entry_of(const tree::Item& item) const;
    void explain_emptiness(const tree::Listing& all);

    const Module& module_;
    const Options& options_;
    const std::string top_;    // below the root, what was asked for
    std::string above_ = ".";  // what "." of the list is below the root
    std::size_t listed_ = 0;   // so far
    tree::Listing listing_;
    std::int32_t io_error_ = 0;
    std::vector<std::string> problems_;
    std::vector<std::string> remarks_;
    std::uint64_t unreadable_ = 0;
    std::uint64_t vanished_ = 0;
};

}  // namespace ft::rsync
