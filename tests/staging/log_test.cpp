#include "staging/log.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "ft/base/bytes.h"
#include "support/memory_disk.h"

namespace ft::staging {
namespace {

using test::MemoryDisk;

base::Digest digest(std::string_view text, base::DigestKind kind = base::DigestKind::xxh128) {
    return base::digest_of(kind, base::as_bytes(text));
}

std::vector<LogEntry> sample() {
    const std::string odd = "d/new\nline \x1b[31m \xff\\";
    return {
        {.path = "file", .slot = SlotNumber{1}, .top = 4, .complete = true, .size = 0, .digest = digest("")},
        {.path = "begun file", .slot = SlotNumber{2}, .top = 10},
        {.path = odd,
         .slot = SlotNumber{~0ull},
         .top = 1,
         .complete = true,
         .size = ~0ull,
         .mtime = {-1, 999'999'999},
         .kind = base::DigestKind::md5,
         .digest = digest("x", base::DigestKind::md5)},
        {.path = "short digest",
         .slot = SlotNumber{3},
         .top = 12,
         .complete = true,
         .size = 1,
         .kind = base::DigestKind::xxh3,
         .digest = digest("y", base::DigestKind::xxh3)},
        {.path = "d/" + std::string(255, '\x01'), .slot = SlotNumber{7}, .top = 1}};
}

std::string text_of(const std::vector<LogEntry>& entries) {
    std::string text;
    for (const LogEntry& entry : entries) text += to_line(entry) + '\n';
    return text;
}

std::vector<LogEntry> read(const os::Directory& directory) {
    std::vector<LogEntry> found;
    read_log(directory, [&](LogEntry entry) { found.push_back(std::move(entry)); });
    return found;
}

/// What is read of a log with this text.
std::vector<LogEntry> read(const std::string& text) {
    MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_file("log")->write_at(0, base::as_bytes(text));
    return read(*root);
}

/// `entries` without those at `gone`.
bool is_without(const std::vector<LogEntry>& read, std::vector<LogEntry> entries, std::size_t gone,
                std::size_t count) {
    entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(gone),
                  entries.begin() + static_cast<std::ptrdiff_t>(gone + count));
    return read == entries;
}

TEST_CASE("a log is read as it was written", "[staging]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    std::vector<LogEntry> wanted;
    {
        Log log{std::shared_ptr{disk.open("/")}, "who"};
        CHECK(log.is_empty());
        log.flush();
        CHECK(root->list().empty());
        // More than is written at once, with flushes in between.
        for (int round = 0; round < 300; ++round) {
            for (const LogEntry& entry : sample()) {
                wanted.push_back(entry);
                log.add(entry);
            }
            if (round % 100 == 7) log.flush();
        }
        CHECK_FALSE(log.is_empty());
        log.flush();
    }
    CHECK((read(*root) == wanted));
    CHECK(read_origin(*root) == "who");
    CHECK(wanted[2].place() == "18446744073709551615/new\nline \x1b[31m \xff\\");
    CHECK(wanted[0].place() == "1");
}

TEST_CASE("without a log, or with something else of that name, there is nothing to read", "[staging]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    CHECK(read(*root).empty());
    CHECK_FALSE(read_origin(*root));
    root->create_directory("log");
    root->create_symlink("origin", "log");
    CHECK(read(*root).empty());
    CHECK_FALSE(read_origin(*root));
}

TEST_CASE("a log that is cut anywhere gives the lines before", "[staging]") {
    const std::vector<LogEntry> entries = sample();
    const std::string text = text_of(entries);
    for (std::size_t length = 0; length < text.size(); ++length) {
        const auto whole = static_cast<std::size_t>(
            std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length), '\n'));
        INFO("cut after " << length);
        REQUIRE(is_without(read(text.substr(0, length)), entries, whole, entries.size() - whole));
    }
}

TEST_CASE("each changed byte of a log costs its line, and no other but the one behind a lost newline",
          "[staging]") {
    const std::vector<LogEntry> entries = sample();
    const std::string text = text_of(entries);
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto line = static_cast<std::size_t>(
            std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
        for (const int mask : {1, 2, 0x20, 0x80, 0xff}) {
            std::string damaged = text;
            damaged[at] = static_cast<char>(damaged[at] ^ mask);
            INFO("byte " << at << ", mask " << mask);
            const std::size_t lost = text[at] == '\n' && line + 1 < entries.size() ? 2 : 1;
            REQUIRE(is_without(read(damaged), entries, line, lost));
        }
        std::string zeroed = text;
        zeroed[at] = '\0';
        REQUIRE(read(zeroed).size() < entries.size());
    }
}

TEST_CASE("lines that are lost, or longer than any, cost themselves", "[staging]") {
    const std::vector<LogEntry> entries = sample();
    std::string text = to_line(entries[0]) + '\n';
    text += std::string(70'000, '\0') + '\n';
    text += to_line(entries[1]) + '\n';
    text += std::string(200'000, 'x');  // no end
    CHECK((read(text) == std::vector{entries[0], entries[1]}));
    CHECK(
        (read(text + '\n' + to_line(entries[2]) + '\n') == std::vector{entries[0], entries[1], entries[2]}));
}

TEST_CASE("what no staging writes is not believed, whatever its checksum says", "[staging]") {
    const LogEntry good = sample()[0];
    CHECK(entry_of(to_line(good)));
    const auto believed = [&](const auto& change) {
        LogEntry entry = good;
        change(entry);
        return entry_of(to_line(entry)).has_value();
    };
    CHECK_FALSE(believed([](LogEntry& entry) { entry.slot = SlotNumber{0}; }));
    CHECK_FALSE(believed([](LogEntry& entry) { entry.path = "."; }));
    CHECK_FALSE(believed([](LogEntry& entry) { entry.path = "../x"; }));
    CHECK_FALSE(believed([](LogEntry& entry) { entry.path = "a/../../x"; }));
    CHECK_FALSE(believed([](LogEntry& entry) { entry.path = "/etc"; }));
    CHECK_FALSE(believed([](LogEntry& entry) { entry.path.clear(); }));
    CHECK_FALSE(believed([](LogEntry& entry) { entry.top = 3; }));
    CHECK_FALSE(believed([](LogEntry& entry) { entry.top = 5; }));
    CHECK_FALSE(believed([](LogEntry& entry) { entry.mtime.nanoseconds = 1'000'000'000; }));
    CHECK_FALSE(believed([](LogEntry& entry) { entry.kind = base::DigestKind::sha512; }));
    CHECK_FALSE(believed([](LogEntry& entry) { entry.digest = {}; }));
    CHECK(believed([](LogEntry& entry) { entry.path = "file/below"; }));
}

}  // namespace
}  // namespace ft::staging
