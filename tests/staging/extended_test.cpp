#include <cerrno>

#include <catch2/catch.hpp>

#include "ft/base/acl.h"
#include "ft/base/error.h"
#include "ft/base/extended.h"
#include "ft/staging/probe.h"
#include "staging/tree.h"

namespace ft::staging {
namespace {

using base::RelPath;

std::string acl(std::uint32_t mode) {
    base::Acl is{.group = 5, .named = {{.id = 9, .user = true, .permissions = 7}}};
    base::set_mode(is, mode);
    return base::to_kernel(is);
}

std::string of_file() {
    return base::pack({{"security.capability", "c"}, {base::kAccessAcl, acl(kFile.mode)}});
}

TEST_CASE("what is staged has its ACL and attributes before it is a change", "[staging]") {
    test::MemoryDisk disk;
    const auto root = disk.open("/");
    Staging staging{*root, open_reserved(*root)};
    const std::string of_directory =
        base::pack({{base::kAccessAcl, acl(kDirectory.mode)}, {base::kDefaultAcl, acl(0777)}});
    const std::string other = base::pack({{"trusted.t", "t"}});
    base::Object made = directory();
    made.extended = of_directory;
    staging.create(RelPath{"d"}, Over::nothing, made);
    const auto slot = staging.create_file(RelPath{"d/f"}, Over::nothing, base::DigestKind::xxh128, nullptr);
    slot->append(base::as_bytes(std::string{"content"}));
    slot->finish(kFile, of_file());
    staging.create(
        RelPath{"l"}, Over::nothing,
        {.type = base::FileType::symlink, .attributes = kFile, .link_target = "x", .extended = other});
    staging.settle();
    // Nothing inherits what the directory has by now.
    add_file(staging, "d/later", Over::nothing, "later");
    staging.finish();
    CHECK(root->extended(".ft-staging/1/1") == of_directory);
    CHECK(root->extended(".ft-staging/1/1/f") == of_file());
    CHECK(root->extended(".ft-staging/1/1/later").empty());
    CHECK(root->extended(".ft-staging/1/2") == other);
    CHECK(root->status(".ft-staging/1/1")->attributes == kDirectory);
    CHECK(root->status(".ft-staging/1/1/f")->attributes == kFile);
}

TEST_CASE("an adopted file gets the ACL and attributes that are wanted now", "[staging]") {
    test::MemoryDisk disk;
    const auto root = disk.open("/");
    const std::string before = GENERATE(std::string{}, of_file(), base::pack({{"user.x", "x"}}));
    const std::string after = GENERATE(std::string{}, of_file(), base::pack({{"user.y", "y"}}));
    base::Attributes wanted = kFile;
    const bool same_owner = GENERATE(true, false);
    if (!same_owner) wanted.uid = 77;
    {
        Staging staging{*root, open_reserved(*root), {}, "origin"};
        const auto slot = staging.create_file(RelPath{"f"}, Over::nothing, base::DigestKind::xxh128, nullptr);
        slot->append(base::as_bytes(std::string{"content"}));
        slot->finish(kFile, before);
    }
    Staging staging{*root, open_reserved(*root), {}, "origin"};
    CHECK(check(staging).files == 1);
    REQUIRE(staging.can_adopt(RelPath{"f"}, 7, kFile.mtime));
    CHECK(staging.adopt(RelPath{"f"}, Over::nothing, 7, wanted, after));
    const auto list = staging.finish();
    const std::string slot = slot_path(list.generation, list.moves.at(0).slot);
    CHECK(root->extended(slot) == after);
    CHECK(root->status(slot)->attributes == wanted);
}

TEST_CASE("directories that change alike share one change of extended attributes", "[staging]") {
    test::MemoryDisk disk;
    const auto root = disk.open("/");
    for (const char* name : {"a", "b", "c", "d"}) root->create_directory(name);
    Staging staging{*root, open_reserved(*root)};
    const std::string one = base::pack({{"user.a", "1"}});
    for (const char* name : {"a", "b"})
        staging.change_attributes(RelPath{name}, kDirectory, kDirectory, {}, one);
    staging.change_attributes(RelPath{"c"}, kDirectory, kDirectory, one, {});
    staging.change_attributes(RelPath{"d"}, kDirectory, kDirectory, one, one);
    const auto list = staging.finish();
    REQUIRE(list.settings.size() == 4);
    CHECK(list.extended.size() == 2);
    CHECK(list.settings[0].extended == list.settings[1].extended);
    CHECK(*list.extended.find(list.settings[0].extended) == ExtendedChanges::Change{"", one});
    CHECK(*list.extended.find(list.settings[2].extended) == ExtendedChanges::Change{one, ""});
    CHECK(list.extended.find(list.settings[3].extended) == nullptr);
}

TEST_CASE("extended attributes that a file system refuses are named, and none it takes", "[staging]") {
    test::MemoryDisk disk;
    const auto root = disk.open("/");
    const auto reserved = open_reserved(*root);
    const std::string packed = base::pack({{"user.a", "1"}});
    const std::vector<ExtendedSample> samples{{"a/file", base::FileType::regular, packed},
                                              {"a/link", base::FileType::symlink, packed},
                                              {"a/pipe\x1b", base::FileType::fifo, packed},
                                              {"a", base::FileType::directory, packed}};
    require_extended(*reserved, samples);
    CHECK(reserved->list().empty());
    disk.fail(3, "extended", GENERATE(EOPNOTSUPP, ENOSPC));
    try {
        require_extended(*reserved, samples);
        FAIL("one is refused");
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::unfit);
        REQUIRE(error.details().size() == 1);
        CHECK(error.details()[0].starts_with("a/pipe\\x1b: cannot set the extended attributes: "));
    }
    CHECK(reserved->list().empty());
}

}  // namespace
}  // namespace ft::staging
