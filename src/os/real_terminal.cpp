#include "os/real_terminal.h"

#include <sys/ioctl.h>
#include <termios.h>

#include "os/wait.h"

namespace ft::os {
namespace {

void write_if_possible(int to, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = uninterrupted([&] { return ::write(to, text.data(), text.size()); });
        if (count < 0 && errno == EAGAIN) {  // somebody who shares the terminal made it non-blocking
            pollfd what{to, POLLOUT, 0};
            if (wait_for({&what, 1}, std::chrono::steady_clock::now() + std::chrono::seconds{1})) continue;
        }
        if (count < 0) return;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

/// While it lives, the terminal shows nothing of what is typed but the end of the line.
class Hidden {
public:
    explicit Hidden(int terminal) : terminal_{terminal}, changed_{::tcgetattr(terminal, &before_) == 0} {
        if (!changed_) return;
        termios hidden = before_;
        hidden.c_lflag = (hidden.c_lflag & ~tcflag_t{ECHO}) | ECHONL | ICANON;
        ::tcsetattr(terminal_, TCSAFLUSH, &hidden);
    }
    ~Hidden() {
        if (changed_) ::tcsetattr(terminal_, TCSANOW, &before_);
    }
    Hidden(const Hidden&) = delete;
    Hidden& operator=(const Hidden&) = delete;

private:
    int terminal_;
    termios before_{};
    bool changed_;
};

}  // namespace

void RealTerminal::write_out(std::string_view text) { write_if_possible(out_, text); }
void RealTerminal::write_error(std::string_view text) { write_if_possible(error_, text); }
bool RealTerminal::out_is_terminal() const { return ::isatty(out_) == 1; }
bool RealTerminal::can_ask() const { return ::isatty(in_) == 1; }

unsigned RealTerminal::columns() const {
    winsize size{};
    return ::ioctl(out_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::optional<std::string> RealTerminal::ask(std::string_view question, bool secret,
                                             base::Cancellation& cancellation) {
    constexpr std::size_t kLongest = 4096;
    const Wake wake;
    const auto hook = cancellation.on_request([&] { wake.set(); });
    std::optional<Hidden> hidden;
    if (secret) hidden.emplace(in_);
    write_error(question);
    std::string line;
    while (line.size() < kLongest) {
        pollfd what[] = {{in_, POLLIN, 0}, {wake.number(), POLLIN, 0}};
        wait_for(what, std::nullopt);
        cancellation.check();
        // Byte by byte: what follows the line on a pipe is for the next question.
        char c = 0;
        const ssize_t count = uninterrupted([&] { return ::read(in_, &c, 1); });
        if (count < 0 && errno == EAGAIN) continue;
        if (count <= 0 && line.empty()) return std::nullopt;
        if (count <= 0 || c == '\n') break;
        line += c;
    }
    return line;
}

}  // namespace ft::os
