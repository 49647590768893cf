#include <catch2/catch.hpp>

#include "ft/wire/filters.h"
#include "ft/wire/frames.h"
#include "ft/wire/index.h"
#include "ft/wire/items.h"
#include "ft/wire/sum_head.h"
#include "rsync/exchange.h"
#include "rsync/match.h"
#include "wire/decoding.h"

using namespace ft;
using namespace ft::test;

namespace {

// In the list: ".", "changed", "l", "d", "d/new".
const Tree kTree{{".", directory(1)},
                 {"changed", file(noise(3000), 2)},
                 {"d", directory(3)},
                 {"d/new", file("new")},
                 {"l", link("x")}};
constexpr std::int32_t kChanged = 1;

std::string arguments(const std::vector<std::string>& list) {
    std::string bytes;
    for (const std::string& argument : list) bytes += argument + '\0';
    return bytes + '\0';
}
const std::vector<std::string> kPull{"--server", "--sender", "-logDtpHre.LfxC", ".", "data/"};

/// What a daemon answers to these bytes: "done", why it refuses, or the error.
std::string answer(std::string_view client) {
    Exchange exchange{kTree, kTree};
    const auto root = exchange.source.open("/data");
    Replayed stream{client};
    base::Progress progress;
    base::Cancellation cancellation;
    try {
        const rsync::Served served =
            rsync::serve(stream, exchange.serve_options(*root), progress, cancellation);
        CHECK(served.files_sent <= 2);
        return served.refused.empty() ? "done" : served.refused;
    } catch (const base::Error& error) {
        CHECK((error.kind() == base::ErrorKind::peer || error.kind() == base::ErrorKind::network));
        return error.what();
    }
}

std::string start(const std::string& module, const std::vector<std::string>& list) {
    return "@RSYNCD: 31.0 md5\n" + module + "\n" + arguments(list);
}

/// A session that comes as far as its requests, which `write` makes.
std::string asking(const std::function<void(wire::Writer&, wire::IndexWriter&)>& write) {
    wire::Writer data;
    wire::write_filters(data, {});
    wire::IndexWriter indices;
    write(data, indices);
    Collected sink;
    wire::FrameWriter frames{sink};
    frames.write(data.written());
    frames.flush();
    return answer(start("data", kPull) + std::string{base::as_text(sink.bytes)});
}

/// A client that says all at once, in small pieces.
class InPieces : public Replayed {
public:
    explicit InPieces(const std::string& data) : Replayed{data} {}
    std::size_t read_some(std::span<std::byte> into) override {
        const std::size_t length = Replayed::read_some(into.first(std::min<std::size_t>(into.size(), 8)));
        ended = length == 0;
        return length;
    }
    bool ended = false;
};

void request(wire::Writer& out, wire::IndexWriter& indices, std::int32_t index,
             std::uint16_t flags = wire::kTransfer, const wire::SumHead& head = {}) {
    wire::Item item;
    item.index = index;
    item.flags = flags;
    wire::write_item(out, indices, item);
    if ((flags & wire::kTransfer) != 0) wire::write_sum_head(out, head);
}

}  // namespace

TEST_CASE("a refused client is heard out: an end over unread bytes could take the refusal with it",
          "[rsync]") {
    for (const std::string module : {"nothing", "#nothing", "data"}) {
        INFO(module);
        Exchange exchange{kTree, kTree};
        if (module == "data") exchange.credentials = {"mover", "secret"};
        InPieces stream{"@RSYNCD: 31.0 md5\n" + module + "\n" + "mover nothing\n" + arguments(kPull)};
        base::Progress progress;
        base::Cancellation cancellation;
        const auto root = exchange.source.open("/data");
        CHECK(!rsync::serve(stream, exchange.serve_options(*root), progress, cancellation).refused.empty());
        CHECK(stream.ended);
    }
}

TEST_CASE("a refused client that stays is left", "[rsync]") {
    Exchange exchange{kTree, kTree};
    auto [server, client] = make_pipe();
    const auto root = exchange.source.open("/data");
    client->write(base::as_bytes(std::string_view{"@RSYNCD: 31.0 md5\nnothing\n"}));
    base::Progress progress;
    base::Cancellation cancellation;
    CHECK(rsync::serve(*server, exchange.serve_options(*root), progress, cancellation).refused ==
          "Unknown module 'nothing'");
}

TEST_CASE("C7: a module is one of ours by its bytes, whatever else is said", "[rsync]") {
    for (const std::string& name :
         {std::string{".."}, std::string{"/"}, std::string{"data/.."}, std::string{"/data"},
          std::string{"data/"}, std::string{"DATA"}, std::string{"dat"}, std::string{"d\x1b[2Jata"}}) {
        const std::string refusal = answer(start(name, kPull));
        INFO(refusal);
        CHECK(refusal.starts_with("Unknown module '"));
        CHECK(refusal.find('\x1b') == std::string::npos);
    }
    CHECK(answer(start("#data", kPull)) == "Unknown command '#data'");
    CHECK(answer(start(std::string{"da\0ta", 5}, kPull)).find("the module") == 0);
    CHECK(answer(start(std::string(1 << 20, 'm'), kPull)).find("the module") == 0);
    CHECK(answer(start(std::string(1000, 'm'), kPull)).size() < 100);
}

TEST_CASE("C8: no path leads out of a module, through a link neither", "[rsync]") {
    const std::string path = GENERATE("data/..", "data/../data", "data/./../x", "data//../x", "data/l/x",
                                      "data/d/../../x", "data/*", "data/[a-z]*");
    INFO(path);
    const std::string outcome = answer(start("data", {"--server", "--sender", "-logDtpHre.LfxC", ".", path}));
    CHECK(outcome != "done");
}

TEST_CASE("C11: arguments are limited in number and length, and must be there", "[rsync]") {
    std::vector<std::string> many{"--server", "--sender"};
    many.insert(many.end(), 511, "-v");
    CHECK(answer(start("data", many)) == "the list of arguments has more than 512");
    CHECK(answer(start("data", {"--server", std::string(4097, 'x')})).find("argument") != std::string::npos);
    std::vector<std::string> long_ones{"--server", "--sender"};
    long_ones.insert(long_ones.end(), 17, std::string(4000, 'x'));
    CHECK(answer(start("data", long_ones)) == "the list of arguments is longer than 65536 bytes");
    CHECK(answer(start("data", {})) == "the client did not send the arguments of an rsync client");
    // A second list counts with the first.
    std::string secluded = start("data", {"--server", "--sender", "-se.LfxC"});
    for (int i = 0; i < 17; ++i) secluded += std::string(4000, 'y') + '\0';
    CHECK(answer(secluded + '\0') == "the list of arguments is longer than 65536 bytes");
}

TEST_CASE("C12: rules of a client are refused, whatever they say, and nothing of a file comes back",
          "[rsync]") {
    const std::string rule =
        GENERATE(". /etc/passwd", ": .rules", "- *a*a*a*a*a*a*b", "- x\\", "H secret", "!");
    wire::Writer data;
    wire::write_filters(data, {rule});
    Collected sink;
    wire::FrameWriter frames{sink};
    frames.write(data.written());
    frames.flush();
    CHECK(answer(start("data", kPull) + std::string{base::as_text(sink.bytes)}) ==
          "this server does not serve by filter rules (--filter, --exclude, --include)");
}

TEST_CASE("C14: block sums that lie cost no more than the limits", "[rsync]") {
    CHECK(asking([](auto& out, auto& indices) {
              request(out, indices, kChanged, wire::kTransfer,
                      {.count = INT32_MAX, .block = wire::BlockLength{700}, .strong = 2, .remainder = 0});
          }).find("block count") != std::string::npos);
    CHECK(asking([](auto& out, auto& indices) {
              request(out, indices, kChanged, wire::kTransfer,
                      {.count = 1, .block = wire::BlockLength{700}, .strong = 0, .remainder = 0});
          }).find("strong checksum length") != std::string::npos);
    // All blocks have the weak sum of zeros, and none their content: without a limit this would not end.
    constexpr std::int32_t kBlocks = 200'000;
    wire::Writer out;
    const wire::SumHead head{.count = kBlocks, .block = wire::BlockLength{700}, .strong = 16, .remainder = 0};
    wire::write_sum_head(out, head);
    for (std::int32_t i = 0; i < kBlocks; ++i) wire::write_block_sum(out, head, {});
    Bytes source{out.take()};
    wire::Reader in{source};
    const rsync::BlockSums sums{in, 16};
    wire::StrongSum strong{base::DigestKind::md5, 1, true};
    const base::Bytes window(700);
    for (int offset = 0; offset < 10'000; ++offset) CHECK(sums.find(0, window, strong, -1) == -1);
}

TEST_CASE("C15: what cannot be asked for is an error of the client, and a third time too", "[rsync]") {
    CHECK(asking([](auto& out, auto& indices) { request(out, indices, 5); }).find("index") !=
          std::string::npos);
    CHECK(asking([](auto& out, auto& indices) { request(out, indices, INT32_MAX - 1); }).find("index") !=
          std::string::npos);
    for (const std::int32_t no_file : {0, 2, 3}) {
        INFO(no_file);
        const std::string refusal = asking([&](auto& out, auto& indices) { request(out, indices, no_file); });
        CHECK(refusal.find("the connection ended") == std::string::npos);
        CHECK(refusal != "done");
    }
    const std::string refusal = asking([](auto& out, auto& indices) {
        for (int times = 0; times < 5000; ++times) request(out, indices, kChanged);
    });
    INFO(refusal);
    CHECK(refusal.find("the connection ended") == std::string::npos);
    CHECK(refusal != "done");
}
