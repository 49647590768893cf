#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "ft/base/bytes.h"
#include "ft/wire/frames.h"
#include "ft/wire/greeting.h"
#include "support/streams.h"

namespace ft::test {

/// The unframed start of a recorded session, as the server said it.
struct ServerSetup {
    wire::Greeting greeting;
    std::vector<std::string> lines;  ///< between the greeting and "@RSYNCD: OK", or all when that never came
    bool accepted = false;
    std::uint32_t compat = 0;
    std::vector<std::string> checksums;
    std::int32_t seed = 0;
};

/// The same as the client said it.
struct ClientSetup {
    wire::Greeting greeting;
    std::string module;
    std::string answer;  ///< to a challenge
    std::vector<std::string> arguments;
    std::vector<std::string> checksums;
    std::vector<std::string> compressions;

    bool negotiates_checksum() const {
        return std::none_of(arguments.begin(), arguments.end(), [](const std::string& argument) {
            return argument.starts_with("--checksum-choice");
        });
    }
    bool compresses() const {
        return std::any_of(arguments.begin(), arguments.end(), [](const std::string& argument) {
            const std::string letters = argument.substr(0, argument.find('e'));
            return letters.starts_with('-') && !letters.starts_with("--") &&
                   letters.find('z') != std::string::npos;
        });
    }
};

inline ClientSetup read_client_setup(wire::Reader& in, bool challenged) {
    ClientSetup setup;
    setup.greeting = wire::parse_greeting(in.line("greeting", wire::kLongestGreeting));
    setup.module = in.line("module", 255);
    if (challenged) setup.answer = in.line("answer", 256);
    if (in.at_end()) return setup;
    while (true) {
        std::string argument = in.argument("argument", 4096);
        if (argument.empty()) break;
        setup.arguments.push_back(std::move(argument));
    }
    if (setup.negotiates_checksum()) setup.checksums = wire::read_names(in, "checksum list");
    if (setup.compresses()) setup.compressions = wire::read_names(in, "compression list");
    return setup;
}

inline ServerSetup read_server_setup(wire::Reader& in, const ClientSetup& client) {
    ServerSetup setup;
    setup.greeting = wire::parse_greeting(in.line("greeting", wire::kLongestGreeting));
    while (!in.at_end()) {
        std::string line = in.line("line", 4096);
        setup.accepted = line == "@RSYNCD: OK";
        if (setup.accepted) break;
        setup.lines.push_back(std::move(line));
    }
    if (!setup.accepted) return setup;
    setup.compat = wire::read_compat(in, wire::compat_allowed("iLsfxCIvu"));
    if (client.negotiates_checksum()) setup.checksums = wire::read_names(in, "checksum list");
    if (client.compresses()) wire::read_names(in, "compression list");
    setup.seed = in.int32("checksum seed");
    return setup;
}

/// What the frames of one direction held.
struct Unframed {
    base::Bytes data;
    std::vector<std::pair<int, std::string>> messages;  ///< code, then the text or the number in decimal
};

inline Unframed unframe(wire::Reader& raw, wire::Direction direction, int protocol) {
    Unframed result;
    wire::FrameReader frames{raw, direction, protocol, [&](const wire::Message& message) {
                                 std::string told{message.text};
                                 if (told.empty()) told = std::to_string(message.number);
                                 result.messages.emplace_back(static_cast<int>(message.code),
                                                              std::move(told));
                             }};
    wire::Reader in{frames};
    while (!in.at_end()) {
        const auto piece = in.piece("data", 65536);
        result.data.insert(result.data.end(), piece.begin(), piece.end());
    }
    return result;
}

}  // namespace ft::test
