#pragma once

#include "ft/os/process.h"

namespace ft::os {

/// Programs of the real machine. A child is killed when the thread that runs it ends: no thread of ours ends
/// before its child.
class RealProcesses final : public Processes {
public:
    Finished run(const Command& command, base::Cancellation& cancellation,
                 const std::function<void(std::string_view)>& on_error_line) override;
    void as_user(const std::string& user, const std::function<void()>& action) override;
};

}  // namespace ft::os
