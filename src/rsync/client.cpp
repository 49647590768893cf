#include "rsync/client.h"

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/wire/filters.h"
#include "ft/wire/frames.h"
#include "ft/wire/greeting.h"
#include "ft/wire/writer.h"

namespace ft::rsync {

namespace {

constexpr std::size_t kLongestLine = 4096;
constexpr std::size_t kMostText = 65536;
constexpr int kMostLines = 1000;
constexpr std::size_t kLongestChallenge = 256;

void say(base::ByteSink& out, const std::string& line) {
    out.write(base::as_bytes(line + "\n"));
    out.flush();
}

std::string answer(const std::string& challenge, const wire::Greeting& theirs, const PullOptions& options) {
    if (!options.credentials) {
        throw base::Error{base::ErrorKind::peer,
                          fmt::format("the source asks for a password for {}", options.module)};
    }
    if (challenge.empty() || challenge.size() > kLongestChallenge) {
        throw wire::malformed("challenge", fmt::format("has {} bytes", challenge.size()));
    }
    const auto digest = wire::choose(
        wire::auth_digests(), theirs.digests.empty() ? std::vector<std::string>{"md5"} : theirs.digests);
    if (!digest) throw wire::malformed("list of digests", "names none of ours");
    return options.credentials->user + " " +
           wire::auth_response(*digest, options.credentials->secret, challenge);
}

// What comes before "OK" is the daemon's message of the day, of no interest here, or its refusal.
void wait_for_module(wire::Reader& in, base::ByteSink& out, const wire::Greeting& theirs,
                     const PullOptions& options) {
    constexpr std::string_view kChallenge = "@RSYNCD: AUTHREQD ";
    std::size_t text = 0;
    bool answered = false;
    for (int lines = 0; lines < kMostLines && text <= kMostText; ++lines) {
        const std::string line = in.line("answer to the module's name", kLongestLine);
        text += line.size() + 1;
        if (line == "@RSYNCD: OK") return;
        if (line.starts_with("@ERROR")) {
            throw base::Error{base::ErrorKind::peer,
                              fmt::format("the source refuses {}: {}", options.module, base::escape(line))};
        }
        if (line == "@RSYNCD: EXIT")
            throw wire::malformed("answer to the module's name", "is the end of the session");
        if (line.starts_with(kChallenge)) {
            if (answered) throw wire::malformed("challenge", "comes twice");
            say(out, answer(line.substr(kChallenge.size()), theirs, options));
            answered = true;
        }
    }
    throw wire::malformed("message of the day", "has no end");
}

void write_arguments(base::ByteSink& out, const PullOptions& options) {
    wire::Writer arguments;
    // No 'i': the file list comes whole, so that it is checked as a tree before the first object is staged.
    for (const std::string& argument :
         {std::string{"--server"}, std::string{"--sender"},
          fmt::format("-logDtpAHXr{}{}e.{}", options.verify_content ? "c" : "",
                      options.compressions.empty() ? "" : "z", kOurCapabilities),
          std::string{"."}, options.module + "/", std::string{}}) {
        arguments.text(argument);
        arguments.byte(0);
    }
    out.write(arguments.written());
}

void write_no_filters(base::ByteSink& out) {
    wire::Writer filters;
    wire::write_filters(filters, {});
    wire::FrameWriter frames{out};
    frames.write(filters.written());
    frames.flush();
}

}  // namespace

Options asked_options(const PullOptions& pull) {
    Options options;
    options.sender = options.recurse = options.links = true;
    options.owner = options.group = true;
    options.devices = options.specials = true;
    options.hard_links = true;
    options.acls = options.xattrs = true;
    options.checksums = pull.verify_content;
    return options;
}

Setup connect(wire::Reader& in, base::ByteSink& out, const PullOptions& options) {
    // The answer to a challenge comes between the module's name and the arguments.
    const bool at_once = !options.credentials;
    const bool all_at_once = at_once && options.source_is_ft;
    out.write(base::as_bytes(wire::our_greeting() + "\n"));
    if (at_once) {
        out.write(base::as_bytes(options.module + "\n"));
        write_arguments(out, options);
    }
    if (all_at_once) {
        write_offers(out, options.checksums, options.compressions);
        write_no_filters(out);
    }
    out.flush();
    const wire::Greeting theirs = wire::parse_greeting(in.line("greeting", wire::kLongestGreeting));
    if (!at_once) say(out, options.module);
    wait_for_module(in, out, theirs, options);
    if (!at_once) {
        write_arguments(out, options);
        out.flush();
    }
    const Setup setup =
        set_up_client(in, out, theirs.protocol, options.checksums, options.compressions, all_at_once);
    if (!all_at_once) write_no_filters(out);
    return setup;
}

}  // namespace ft::rsync
