#include <catch2/catch.hpp>

#include "ft/base/error.h"
#include "rsync/options.h"

using namespace ft;
using rsync::Options;

namespace {

Options read(std::vector<std::string> between, const std::string& path = "data/") {
    std::vector<std::string> arguments{"--server", "--sender"};
    arguments.insert(arguments.end(), between.begin(), between.end());
    arguments.insert(arguments.end(), {".", path});
    return rsync::read_options(arguments, {}, "data");
}

}  // namespace

TEST_CASE("what a stock client sends for -aH is granted", "[rsync]") {
    const Options options =
        read({"-lHogDtpre.iLsfxCIvu", "--numeric-ids", "--timeout=30", "--log-format=%i"});
    CHECK(options.refused == "");
    CHECK((options.recurse && options.links && options.owner && options.group && options.devices));
    CHECK((options.hard_links && !read({"-logDtpre.v"}).hard_links));
    CHECK((options.specials && options.numeric_ids && !options.dry_run && options.contents));
    CHECK(options.capabilities == "iLsfxCIvu");
    CHECK(options.path == "");
}

TEST_CASE("an option that writes, deletes, follows, runs or changes limits is refused by name", "[rsync]") {
    const std::string option = GENERATE(
        "--remove-source-files", "--log-file=/x", "--write-batch=x", "--daemon", "--config=/x",
        "--files-from=/etc/passwd", "--exclude-from=x", "--filter=. x", "--temp-dir=/tmp", "--backup-dir",
        "--partial-dir=x", "--link-dest=/x", "--copy-links", "--copy-unsafe-links", "--insecure-links",
        "--write-devices", "--copy-devices", "--super", "--iconv=utf8", "--usermap=a:b", "--max-alloc=0",
        "--block-size=1", "--debug=all", "--inplace", "--append", "--no-relative", "--compress-threads=2",
        "--skip-compress=gz", "--compress-choice=brotli", "--delete-missing-args");
    CHECK(read({"-re.v", option}).refused == "this server does not grant " + option);
}

TEST_CASE("a letter that is not served is refused by its long name", "[rsync]") {
    CHECK(read({"-lce.v"}).refused == "");
    CHECK(read({"-lAXe.v"}).refused == "");
    CHECK(read({"-lAXXe.v"}).refused == "this server does not grant --xattrs given twice (-XX)");
    CHECK(read({"-xxe.v"}).refused == "this server does not grant --one-file-system given twice (-xx)");
    CHECK(read({"-xe.v"}).refused == "");
    CHECK(read({"-\x1b"}).refused == "this server does not grant -\\x1b");
    CHECK(rsync::read_options({"--server", "-re.v", ".", "data/"}, {}, "data").refused ==
          "this server only sends");
}

TEST_CASE("compression is negotiated, or chosen by name", "[rsync]") {
    using wire::Compression;
    CHECK(read({"-ze.v"}).compress);
    CHECK_FALSE(read({"-ze.v"}).compression_chosen);
    const auto chosen = [](const std::string& option) {
        const Options options = read({"-e.v", option});
        CHECK(options.refused == "");
        CHECK(options.compression_chosen);
        return options.compression;
    };
    CHECK(chosen("--compress-choice=zstd") == Compression::zstd);
    CHECK(chosen("--compress-choice=lz4") == Compression::lz4);
    CHECK(chosen("--compress-choice=none") == Compression::none);
    CHECK(chosen("--new-compress") == Compression::zlibx);
    CHECK(chosen("--old-compress") == Compression::zlib);
}

TEST_CASE("a chosen checksum must be one of ours, a chosen seed a number", "[rsync]") {
    CHECK(read({"--checksum-choice=md5"}).checksum == base::DigestKind::md5);
    CHECK(read({"--checksum-choice=xxh128,md5"}).checksum == base::DigestKind::xxh128);
    CHECK(read({"--checksum-choice=XXH3"}).checksum == base::DigestKind::xxh3);
    CHECK(read({"--checksum-choice=xxhash"}).checksum == base::DigestKind::xxh64);
    CHECK(read({"--checksum-choice=xxh3,md5"}).list_checksum == base::DigestKind::md5);
    CHECK(read({"--checksum-choice=xxh3"}).list_checksum == base::DigestKind::xxh3);
    CHECK(read({"--checksum-choice=xxh3,none"}).refused ==
          "this server does not grant --checksum-choice=xxh3,none, only xxh128, xxh3, xxh64, md5");
    CHECK(read({"-cre.v"}).checksums);
    CHECK(read({"--checksum-choice=sha1"}).refused != "");
    CHECK(read({"--checksum-choice=none"}).refused != "");
    CHECK(read({"--checksum-seed=-7"}).seed == -7);
    CHECK(read({"--checksum-seed=0"}).refused != "");
    CHECK(read({"--checksum-seed=7x"}).refused != "");
}

TEST_CASE("options with a number are taken as told, or refused by name", "[rsync]") {
    CHECK(read({"--bwlimit=100"}).rate == 102'400);
    CHECK(read({"--bwlimit=0"}).rate == 0);
    CHECK(read({"--timeout=7"}).timeout == 7);
    CHECK(read({"--compress-level=7"}).compression_level == 7);
    CHECK(read({"--compress-level=22"}).compression_level == 9);
    CHECK(read({"--compress-level=0"}).compress);
    CHECK(read({"--compress-level=0"}).level_zero);
    CHECK_FALSE(read({"--compress-level=1"}).level_zero);
    const std::string wrong =
        GENERATE("--bwlimit=", "--bwlimit=-1", "--bwlimit=1m", "--bwlimit=99999999999999999999",
                 "--timeout=x", "--timeout=-1", "--compress-level=", "--compress-level=1.5",
                 "--checksum-seed=0", "--checksum-seed=", "--checksum-seed=99999999999");
    CHECK(read({wrong}).refused == "this server does not grant " + wrong);
}

TEST_CASE("a path is taken below the module, literally", "[rsync]") {
    const auto path = [](const std::string& argument) {
        const Options options = read({"-re.v"}, argument);
        return options.refused.empty() ? options.path + (options.contents ? " contents" : "") : "refused";
    };
    CHECK(path("data") == " contents");
    CHECK(path("data/") == " contents");
    CHECK(path("data/.") == " contents");
    CHECK(path("data/a/b") == "a/b");
    CHECK(path("data/a/b/") == "a/b contents");
    CHECK(path("data//a") == "a");
    CHECK(path("data/a[ ]b/*") == "a b/*");
    CHECK(path("data/../x") == "../x");
    CHECK(path("database/x") == "refused");
    CHECK(path("/etc") == "refused");
    CHECK(
        rsync::read_options({"--server", "--sender", "-re.v", ".", "data/a", "data/b"}, {}, "data").refused !=
        "");
    CHECK(rsync::read_options({"--server", "--sender", "-re.v"}, {}, "data").refused != "");
}

TEST_CASE("arguments may come escaped, or in a second list", "[rsync]") {
    CHECK(read({"-re.v", "--log-format=\\%i", "--num\\eric-ids"}).numeric_ids);
    const std::vector<std::string> first{"--server", "--sender", "-slogDtpre.iLsfxCIvu"};
    CHECK(rsync::has_second_list(first));
    CHECK(!rsync::has_second_list({"--server", "--sender", "-logDtpre.iLsfxCIvu"}));
    const Options options = rsync::read_options(first, {"rsync", "--numeric-ids", ".", "data/a"}, "data");
    CHECK(options.refused == "");
    CHECK(options.numeric_ids);
    CHECK(options.path == "a");
    CHECK_THROWS_AS(rsync::read_options({}, {}, "data"), base::Error);
}
