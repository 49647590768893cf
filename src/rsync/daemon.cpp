#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/ticker.h"
#include "ft/rsync/serve.h"
#include "ft/wire/filters.h"
#include "ft/wire/frames.h"
#include "ft/wire/greeting.h"
#include "ft/wire/reader.h"
#include "rsync/channel.h"
#include "rsync/negotiation.h"
#include "rsync/options.h"
#include "rsync/sender.h"

namespace ft::rsync {

namespace {

constexpr std::size_t kLongestLine = 1024;
constexpr std::size_t kLongestArgument = 4096;
constexpr std::size_t kMostArguments = 512;
constexpr std::size_t kMostArgumentBytes = 65536;
constexpr std::int32_t kUnsupported = 4;  // exit codes of rsync
constexpr std::int32_t kFileTrouble = 11;
// How long who is refused is heard out: a stranger, and who was let in, for whom much of a list may be on its
// way over a slow line.
constexpr std::chrono::seconds kStranger{1};
constexpr std::chrono::seconds kLetIn{30};

// 32 random bytes as a word; for one use.
std::string make_challenge(const std::function<void(std::span<std::byte>)>& fill_random) {
    std::array<std::byte, 32> random{};
    fill_random(random);
    return base::Digest{random}.hex();
}

// Takes a time that depends on the lengths alone.
bool same_secret(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool is_of_the_session(const base::Error& error) {
    return error.kind() == base::ErrorKind::network || error.kind() == base::ErrorKind::peer;
}

class Daemon {
public:
    Daemon(base::Stream& stream, const ServeOptions& options, base::Progress& progress,
           base::Cancellation& cancellation)
        : stream_{stream},
          channel_{stream},
          in_{channel_},
          options_{options},
          progress_{progress},
          cancellation_{cancellation} {}

    Served run() {
        greet();
        const Module* module = choose_module();
        if (module == nullptr || !authenticate(*module)) return served_;
        say("@RSYNCD: OK");
        Options granted = read_arguments(*module);
        const Setup setup = set_up_server(in_, channel_, protocol_, granted, options_.fill_random);
        send(*module, granted, setup);
        return served_;
    }

private:
    void say(const std::string& line) {
        channel_.write(base::as_bytes(line + "\n"));
        channel_.flush();
    }

    // Before the files flow: one line, and the end of the session.
    void refuse(const std::string& why) {
        served_.refused = why;
        say("@ERROR: " + why);
        hear_out(in_, kStranger);
    }

    // A connection that is closed over unread bytes can take with it what was said last. Whoever stays is no
    // reason to wait.
    void hear_out(wire::Reader& in, std::chrono::seconds longest) {
        const base::Ticker end{longest, [this] { stream_.shut_down(); }};
        try {
            base::Bytes unread(65536);
            while (in.read_some(unread) > 0) continue;
        } catch (const base::Error&) {  // its answer to an exit code, or the end: both are what we wait for
            cancellation_.check();
        }
    }

    void greet() {
        say(wire::our_greeting());
        try {
            const wire::Greeting theirs = wire::parse_greeting(in_.line("greeting", wire::kLongestGreeting));
            protocol_ = theirs.protocol;
            digests_ = theirs.digests;
        } catch (const base::Error& error) {
            if (error.kind() == base::ErrorKind::peer) say(fmt::format("@ERROR: {}", error.what()));
            throw;
        }
    }

    const Module* choose_module() {
        const std::string name = in_.line("module", kLongestLine);
        if (name.empty() || name == "#list") {
            for (const Module& one : options_.modules) say(fmt::format("{:<15}\t{}", one.name, one.comment));
            say("@RSYNCD: EXIT");
            return nullptr;
        }
        const std::string shown = base::escape(name.substr(0, 64));
        if (name.starts_with('#')) {
            refuse(fmt::format("Unknown command '{}'", shown));
            return nullptr;
        }
        const auto module = std::find_if(options_.modules.begin(), options_.modules.end(),
                                         [&](const Module& one) { return one.name == name; });
        if (module == options_.modules.end()) {
            refuse(fmt::format("Unknown module '{}'", shown));
            return nullptr;
        }
        served_.module = module->name;
        return &*module;
    }

    bool authenticate(const Module& module) {
        if (!options_.credentials) return true;
        const auto digest =
            wire::choose(wire::auth_digests(), digests_.empty() ? std::vector<std::string>{"md5"} : digests_);
        if (!digest) {
            refuse(fmt::format("your client does not support one of our daemon-auth checksums: {}",
                               wire::our_greeting().substr(std::string_view{"@RSYNCD: 32.0 "}.size())));
            return false;
        }
        const std::string challenge = make_challenge(options_.fill_random);
        say("@RSYNCD: AUTHREQD " + challenge);
        const std::string answer = in_.line("answer to the challenge", kLongestLine);
        const std::size_t space = std::min(answer.find(' '), answer.size());
        const std::string expected = wire::auth_response(*digest, options_.credentials->secret, challenge);
        const bool user_fits = same_secret(answer.substr(0, space), options_.credentials->user);
        const bool answer_fits = same_secret(answer.substr(std::min(space + 1, answer.size())), expected);
        if (user_fits && answer_fits) return true;
        refuse("auth failed on module " + module.name);
        return false;
    }

    std::vector<std::string> read_argument_list() {
        std::vector<std::string> arguments;
        while (true) {
            std::string argument = in_.argument("argument", kLongestArgument);
            if (argument.empty()) return arguments;
            argument_bytes_ += argument.size();
            arguments.push_back(std::move(argument));
            if (arguments.size() > kMostArguments) {
                throw wire::malformed("list of arguments", fmt::format("has more than {}", kMostArguments));
            }
            if (argument_bytes_ > kMostArgumentBytes) {
                throw wire::malformed("list of arguments",
                                      fmt::format("is longer than {} bytes", kMostArgumentBytes));
            }
        }
    }

    Options read_arguments(const Module& module) {
        const std::vector<std::string> first = read_argument_list();
        std::vector<std::string> second;
        if (has_second_list(first)) second = read_argument_list();
        Options options = read_options(first, second, module.name);
        if (options.rate > 0 && !options_.hold_back && options.refused.empty())
            options.refused = "this server does not grant --bwlimit";
        return options;
    }

    void send(const Module& module, const Options& granted, const Setup& setup) {
        wire::FrameWriter out{channel_};
        channel_.flush_through(out);
        wire::FrameReader frames{
            in_, wire::Direction::to_server, setup.protocol, [](const wire::Message& message) {
                if (message.code != wire::MessageCode::error_exit) return;
                throw base::Error{base::ErrorKind::peer,
                                  fmt::format("the client gave up (exit code {})", message.number)};
            }};
        wire::Reader data{frames};
        if (granted.sender) {
            const auto rules = wire::read_filters(data);
            if (granted.refused.empty() && !rules.empty()) {
                return refuse_in_frames(
                    out, data, setup,
                    "this server does not serve by filter rules (--filter, --exclude, --include)",
                    kUnsupported);
            }
        }
        if (!granted.refused.empty())
            return refuse_in_frames(out, data, setup, granted.refused, kUnsupported);
        if (granted.rate > 0)
            channel_.hold_back([&](std::uint64_t bytes) { options_.hold_back(bytes, granted.rate); });
        Sender sender{{channel_, data, out, setup, granted, module, options_.accounts}, progress_, served_};
        try {
            sender.send_list(cancellation_);
        } catch (const base::Error& error) {
            cancellation_.check();
            if (is_of_the_session(error)) throw;
            return refuse_in_frames(out, data, setup, error.what(), kFileTrouble);
        }
        sender.answer_client();
    }

    // Behind OK a client reads no lines.
    void refuse_in_frames(wire::FrameWriter& out, wire::Reader& data, const Setup& setup,
                          const std::string& why, std::int32_t exit_code) {
        served_.refused = why;
        out.message(wire::MessageCode::error, fmt::format("@ERROR: {}\n", why));
        if (setup.protocol > 30) out.message(wire::MessageCode::error_exit, exit_code);
        out.flush();
        // A client of protocol 30 waits for our end of the stream instead.
        if (setup.protocol > 30) hear_out(data, kLetIn);
    }

    base::Stream& stream_;
    Channel channel_;
    wire::Reader in_;
    const ServeOptions& options_;
    base::Progress& progress_;
    base::Cancellation& cancellation_;
    Served served_;
    int protocol_ = 0;
    std::vector<std::string> digests_;
    std::size_t argument_bytes_ = 0;
};

}  // namespace

Served serve(base::Stream& stream, const ServeOptions& options, base::Progress& progress,
             base::Cancellation& cancellation) {
    const auto hook = cancellation.on_request([&] { stream.shut_down(); });
    try {
        return Daemon{stream, options, progress, cancellation}.run();
    } catch (const base::Error&) {
        cancellation.check();
        throw;
    }
}

}  // namespace ft::rsync
