#include <catch2/catch.hpp>
#include <thread>

#include "ft/base/bytes.h"
#include "ft/base/error.h"
#include "ft/staging/staging.h"
#include "support/memory_disk.h"

namespace ft::staging {
namespace {

using base::Attributes;
using base::DigestKind;
using base::RelPath;
using test::MemoryDisk;

constexpr Attributes kFile{0644, 1, 2, {1700000000, 5}};
constexpr std::size_t kBlock = 4096;

std::string content_of(const os::Directory& root, const std::string& path) {
    const auto file = root.open_file(path);
    std::string content(file->status().size, '\0');
    file->read_at(0, std::as_writable_bytes(std::span{content}));
    return content;
}

std::unique_ptr<const os::File> basis_of(os::Directory& directory, const std::string& content) {
    directory.create_file("basis")->write_at(0, base::as_bytes(content));
    return std::as_const(directory).open_file("basis");
}

std::string first_slot(const ChangeList& list) { return slot_path(list.generation, list.moves.at(0).slot); }

/// Text without a period, so that nothing in it can be mistaken for something else in it.
std::string text(std::size_t length, unsigned seed = 1) {
    std::string result(length, '\0');
    for (char& c : result) c = static_cast<char>(1 + ((seed = seed * 1103515245 + 12345) >> 16) % 255);
    return result;
}

TEST_CASE("a file is what was appended and copied, in any fragmentation, and so is its digest", "[staging]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    const std::string basis = text(700'000, 7);
    const std::string data = text(900'001);
    const std::size_t piece = GENERATE(as<std::size_t>{}, 977, 32768, 262144, 900001);
    Staging staging{*root, open_reserved(*root)};
    const auto slot =
        staging.create_file(RelPath{"file"}, Over::nothing, DigestKind::xxh128, basis_of(*root, basis));
    std::string wanted;
    for (std::size_t at = 0; at < data.size(); at += piece) {
        const std::string part = data.substr(at, piece);
        slot->append(base::as_bytes(part));
        wanted += part;
        const std::size_t from = at % (basis.size() - 5000);
        slot->copy_from_basis(from, 5000);
        wanted += basis.substr(from, 5000);
    }
    slot->copy_from_basis(0, basis.size());
    wanted += basis;
    CHECK(slot->size() == wanted.size());
    CHECK(slot->digest() == base::digest_of(DigestKind::xxh128, base::as_bytes(wanted)));
    slot->finish(kFile);
    const std::string path = first_slot(staging.finish());
    CHECK((content_of(*root, path) == wanted));
    CHECK(root->status(path).value().attributes == kFile);
}

/// Holes too, and an end within a block.
std::string with_holes(std::size_t length) {
    std::string content = text(length, 3);
    content.replace(20 * kBlock, 150 * kBlock, 150 * kBlock, '\0');
    return content;
}

TEST_CASE("what lies at the same place in its blocks is shared with the basis, the rest is copied",
          "[staging]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    const std::string basis = with_holes(400 * kBlock + 77);
    const std::string before = text(GENERATE(0, 1, 4096, 300'000), 5);
    const std::size_t from = GENERATE(0, 1, 4096, 700'000);
    Staging staging{*root, open_reserved(*root)};
    const auto slot =
        staging.create_file(RelPath{"file"}, Over::nothing, DigestKind::xxh128, basis_of(*root, basis));
    slot->append(base::as_bytes(before));
    std::string told;
    slot->copy_from_basis(from, basis.size() - from, [&](auto piece) { told += base::as_text(piece); });
    slot->append(base::as_bytes(before));
    const std::string wanted = before + basis.substr(from) + before;
    CHECK(slot->size() == wanted.size());
    CHECK((told == basis.substr(from)));
    CHECK(slot->digest() == base::digest_of(DigestKind::xxh128, base::as_bytes(wanted)));
    slot->finish(kFile);
    const std::string path = first_slot(staging.finish());
    CHECK((content_of(*root, path) == wanted));
    const bool same_place = before.size() % kBlock == from % kBlock;
    const std::size_t begin = (from + kBlock - 1) / kBlock * kBlock;
    CHECK(disk.shared() == (same_place ? (basis.size() - begin) / kBlock * kBlock : 0));
}

TEST_CASE("a basis that shares nothing is copied", "[staging]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    root->create_directory("other");
    disk.mount("/other");
    const auto other = disk.open("/other");
    const std::string basis = with_holes(400 * kBlock);
    Staging staging{*root, open_reserved(*root)};
    const auto slot =
        staging.create_file(RelPath{"file"}, Over::nothing, DigestKind::md5, basis_of(*other, basis));
    slot->copy_from_basis(0, basis.size());
    slot->finish(kFile);
    const std::string path = first_slot(staging.finish());
    CHECK((content_of(*root, path) == basis));
    CHECK(root->status(path).value().allocated == (400 - 150) * kBlock);
    CHECK(disk.shared() == 0);
}

TEST_CASE("a basis that changes while it is shared: the digest is that of what is staged", "[staging]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    Staging staging{*root, open_reserved(*root)};
    const auto slot = staging.create_file(RelPath{"file"}, Over::nothing, DigestKind::xxh128,
                                          basis_of(*root, text(400 * kBlock)));
    slot->copy_from_basis(0, 400 * kBlock, [&](auto) {
        root->change_file("basis")->write_at(300 * kBlock, base::as_bytes("changed"));
    });
    slot->finish(kFile);
    CHECK(disk.shared() == 400 * kBlock);
    const std::string content = content_of(*root, first_slot(staging.finish()));
    CHECK(slot->digest() == base::digest_of(DigestKind::xxh128, base::as_bytes(content)));
}

TEST_CASE("blocks of zeros become holes, wherever they are", "[staging]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    const std::string zeros(300 * kBlock, '\0');
    const std::string block = text(kBlock);
    struct Case {
        std::string content;
        std::uint64_t blocks;
    };
    const auto given = GENERATE_COPY(values<Case>({{"", 0},
                                                   {zeros, 0},
                                                   {zeros + block, 1},
                                                   {block + zeros, 1},
                                                   {zeros + block + zeros + block + zeros, 2},
                                                   {"x" + zeros, 1 + 1},
                                                   {zeros + "x", 1},
                                                   {std::string(100, '\0'), 1}}));
    const std::size_t piece = GENERATE(as<std::size_t>{}, 5000, 10 * 1024 * 1024);
    Staging staging{*root, open_reserved(*root)};
    const auto slot = staging.create_file(RelPath{"file"}, Over::nothing, DigestKind::xxh128, nullptr);
    for (std::size_t at = 0; at < given.content.size(); at += piece) {
        slot->append(base::as_bytes(std::string_view{given.content}.substr(at, piece)));
    }
    slot->finish(kFile);
    const std::string path = first_slot(staging.finish());
    CHECK((content_of(*root, path) == given.content));
    CHECK(root->status(path).value().allocated == given.blocks * kBlock);
}

TEST_CASE("a basis file that is shorter than it was is corrupt, and named", "[staging]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    Staging staging{*root, open_reserved(*root)};
    const auto slot =
        staging.create_file(RelPath{"a/b"}, Over::something, DigestKind::md5, basis_of(*root, "short"));
    slot->copy_from_basis(0, 5);
    try {
        slot->copy_from_basis(3, 3);
        FAIL("copied what is not there");
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::corrupt);
        CHECK_THAT(error.what(), Catch::StartsWith("a/b: "));
    }
}

TEST_CASE("a slot that is not finished leaves nothing, and its file can be made again", "[staging]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    Staging staging{*root, open_reserved(*root)};
    staging.create(RelPath{"new"}, Over::nothing,
                   {.type = base::FileType::directory, .attributes = {0755, 0, 0, {9, 9}}});
    const std::string path = GENERATE("top", "new/file");
    staging.create_file(RelPath{path}, Over::nothing, DigestKind::md5, nullptr)
        ->append(base::as_bytes("wrong"));
    CHECK(test::read_tree(*root->open_directory(".ft-staging/1")).size() == 2);  // the root and "new"
    const auto slot = staging.create_file(RelPath{path}, Over::nothing, DigestKind::md5, nullptr);
    slot->append(base::as_bytes("right"));
    slot->finish(kFile);
    const ChangeList list = staging.finish();
    CHECK(list.counts.files == 1);
    CHECK(list.moves.size() == (path == "top" ? 2 : 1));
    CHECK(content_of(*root, path == "top" ? slot_path(list.generation, list.moves.back().slot)
                                          : ".ft-staging/1/1/file") == "right");
}

TEST_CASE("a full disk names the file of the tree", "[staging]") {
    MemoryDisk disk;
    const auto root = disk.open("/");
    Staging staging{*root, open_reserved(*root)};
    disk.set_capacity(100'000);
    const auto slot = staging.create_file(RelPath{"big\x1b"}, Over::nothing, DigestKind::md5, nullptr);
    try {
        slot->append(base::as_bytes(text(300'000)));
        FAIL("wrote more than fits");
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::no_space);
        CHECK_THAT(error.what(), Catch::StartsWith("big\\x1b: "));
    }
}

TEST_CASE("several threads share a staging", "[staging]") {
    constexpr int kThreads = 4;
    constexpr int kFiles = 100;
    MemoryDisk disk;
    const auto root = disk.open("/");
    Staging staging{*root, open_reserved(*root)};
    const auto work = [&](int number) {
        const RelPath directory{"d" + std::to_string(number)};
        staging.create(directory, Over::nothing,
                       {.type = base::FileType::directory, .attributes = {0755, 0, 0, {9, 9}}});
        for (int i = 0; i < kFiles; ++i) {
            const std::string name = std::to_string(i);
            for (const RelPath& path : {directory / name, RelPath{"f" + std::to_string(number) + name}}) {
                const auto slot = staging.create_file(path, Over::nothing, DigestKind::xxh128, nullptr);
                slot->append(base::as_bytes(path.bytes()));
                slot->finish(kFile);
            }
        }
    };
    std::vector<std::thread> threads;
    for (int number = 0; number < kThreads; ++number) threads.emplace_back(work, number);
    for (std::thread& thread : threads) thread.join();
    const ChangeList list = staging.finish();
    CHECK(list.counts.files == 2 * kThreads * kFiles);
    CHECK(list.moves.size() == kThreads * (1 + kFiles));
    for (const Move& move : list.moves) {
        const std::string slot = slot_path(list.generation, move.slot);
        REQUIRE(root->status(slot).value().inode == move.inode);
        if (move.path.name().front() == 'f') {
            REQUIRE(content_of(*root, slot) == move.path.bytes());
        } else {
            for (int i = 0; i < kFiles; ++i) {
                const std::string name = "/" + std::to_string(i);
                REQUIRE(content_of(*root, slot + name) == move.path.bytes() + name);
            }
        }
    }
}

}  // namespace
}  // namespace ft::staging
