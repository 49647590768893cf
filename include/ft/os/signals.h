#pragma once

#include <memory>

#include "ft/base/cancellation.h"

namespace ft::os {

/// Turns INT, TERM and, when `hang_up_stops`, HUP into a request on `cancellation`; otherwise HUP is ignored.
/// PIPE is ignored always. Built before any other thread (they inherit the mask); one at a time. A second
/// signal changes nothing. The signals stay blocked after its end, for good: a command that has its outcome
/// ends with the exit status of that, not by a signal that came late.
class Signals {
public:
    Signals(base::Cancellation& cancellation, bool hang_up_stops);
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ft::os
