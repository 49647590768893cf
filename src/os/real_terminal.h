#pragma once

#include "ft/os/terminal.h"

namespace ft::os {

/// The terminal at three descriptors, which it does not own.
class RealTerminal final : public Terminal {
public:
    explicit RealTerminal(int in = 0, int out = 1, int error = 2) : in_{in}, out_{out}, error_{error} {}
    void write_out(std::string_view text) override;
    void write_error(std::string_view text) override;
    bool out_is_terminal() const override;
    unsigned columns() const override;
    bool can_ask() const override;
    std::optional<std::string> ask(std::string_view question, bool secret,
                                   base::Cancellation& cancellation) override;

private:
    int in_;
    int out_;
    int error_;
};

}  // namespace ft::os
