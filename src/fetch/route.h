#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "fetch/goodbyes.h"
#include "fetch/transfer_policy.h"
#include "ft/transport/connection.h"

namespace ft::fetch {

/// How a pull reaches the source.
struct Route {
    /// One more connection; once an attempt. Errors as transport::connect.
    std::function<std::unique_ptr<transport::Connection>()> connect;
    TransferPolicy& policy;
    Goodbyes& goodbyes;        ///< of the connections that have served
    std::atomic<bool>& heard;  ///< becomes true when the source says something on it
};

}  // namespace ft::fetch
