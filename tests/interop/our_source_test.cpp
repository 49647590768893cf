#include <catch2/catch.hpp>

#include <sstream>

#include "interop/difficult.h"
#include "interop/our_source.h"

using namespace ft;
using namespace ft::test;

TEST_CASE("stock rsync lists our modules and a module's root", "[interop]") {
    Source source;
    OurDaemon daemon{*source.machine, source.options()};
    const os::Finished modules = run(*source.machine, {"rsync", daemon.url("")});
    CHECK(modules.status == 0);
    CHECK(modules.output == "data           \tthe data\nconfig         \t\n");
    const os::Finished files = run(*source.machine, {"rsync", daemon.url("data/")});
    CHECK(files.status == 0);
    CHECK(files.errors == "");
    CHECK(files.output.find("sub-way") != std::string::npos);
    CHECK(files.output.find("deep") == std::string::npos);
    const os::Finished all = run(*source.machine, {"rsync", "-r", daemon.url("data")});
    CHECK(all.status == 0);
    CHECK(all.output.find("sub/deep/file") != std::string::npos);
}

TEST_CASE("stock rsync pulls from us byte for byte, by any protocol and checksum, and again without a byte",
          "[interop]") {
    Source source;
    const std::string option =
        GENERATE("--numeric-ids", "--protocol=30", "--protocol=31", "--checksum-choice=md5",
                 "--checksum-choice=xxh128", "--checksum-choice=xxh3", "--checksum-choice=xxhash",
                 "--checksum-choice=xxh64,md5", "--checksum-seed=-5", "-s", "--timeout=20", "-W",
                 "--no-inc-recursive", "--delete-after");
    INFO(option);
    OurDaemon daemon{*source.machine, source.options()};
    // Protocol 30 has no nanoseconds.
    if (option == "--protocol=30") {
        run(*source.machine,
            {"find", source.scratch / "theirs", "-exec", "touch", "-h", "-d", "@1700000000", "{}", "+"});
    }
    run(*source.machine, {"touch", source.scratch / "ours/extraneous"});
    const os::Finished first = source.pull({"-a", "--delete", option}, daemon.url("data/"));
    CHECK(first.errors == "");
    CHECK(first.status == 0);
    source.require_equal();
    const os::Finished second = source.pull({"-ai", "--delete", option}, daemon.url("data/"));
    CHECK(second.output == "");
    CHECK(second.status == 0);
    const auto served = daemon.stop();
    REQUIRE(served.size() == 2);
    CHECK(served[0].refused == "");
    CHECK(served[0].files_sent == 7);
    CHECK(served[1].files_sent == 0);
}

/// "Total bytes received" of --stats.
std::uint64_t received(const std::string& output) {
    constexpr std::string_view kLabel = "Total bytes received: ";
    return std::stoull(output.substr(output.find(kLabel) + kLabel.size()));
}

TEST_CASE("stock rsync pulls from us compressed, what is new and what changed", "[interop]") {
    Source source;
    const std::string compression = GENERATE("-z", "--zc=zstd", "--zc=lz4", "--zc=zlibx", "--zc=zlib",
                                             "--new-compress", "--old-compress");
    const std::string protocol = GENERATE("--protocol=30", "--protocol=31", "--protocol=32");
    INFO(compression << " " << protocol);
    if (protocol == "--protocol=30") {  // it has no nanoseconds
        run(*source.machine,
            {"find", source.scratch / "theirs", "-exec", "touch", "-h", "-d", "@1700000000", "{}", "+"});
    }
    std::string text;
    while (text.size() < 3'000'000) text += "line " + std::to_string(text.size() * 7919) + " of a text\n";
    source.root->create_file("text")->write_at(0, base::as_bytes(text));
    source.root->set_attributes("text", {0644, 0, 0, {1'700'000'000, 0}});
    source.root->set_attributes(".", {0755, 0, 0, {1'700'000'000, 0}});
    OurDaemon daemon{*source.machine, source.options()};
    const auto pull = [&] {
        const os::Finished pulled = source.pull(
            {"-a", "--no-whole-file", "--stats", "--no-h", compression, protocol}, daemon.url("data/"));
        CHECK(pulled.errors == "");
        CHECK(pulled.status == 0);
        source.require_equal();
        return pulled;
    };
    const os::Finished first = pull();
    text.insert(1'000'000, "inserted");
    text.replace(2'000'000, 5'000, std::string(4'000, 'x'));
    source.root->change_file("text")->write_at(0, base::as_bytes(text));
    source.root->set_attributes("text", {0644, 0, 0, {1'700'000'001, 0}});
    pull();
    const auto served = daemon.stop();
    CHECK(received(first.output) < 2'000'000 + 2'500'000);  // noise, and text at less than its length
    CHECK(served.at(1).bytes_literal < 50'000);
}

TEST_CASE("stock rsync that compresses by level 0 does so as far as it does with its own server",
          "[interop]") {
    Source source;
    const std::string compression = GENERATE("--zc=zlibx", "--zc=zlib", "--zc=zstd", "--old-compress");
    const std::string protocol = GENERATE("--protocol=30", "--protocol=32");
    INFO(compression << " " << protocol);
    OurDaemon daemon{*source.machine, source.options()};
    const os::Finished pulled =
        source.pull({"-a", compression, "--compress-level=0", protocol}, daemon.url("data/"));
    CHECK(pulled.errors == "");
    CHECK(pulled.status == 0);
}

TEST_CASE("stock rsync gets a changed file from us by its changes", "[interop]") {
    Source source;
    OurDaemon daemon{*source.machine, source.options()};
    REQUIRE(source.pull({"-a"}, daemon.url("data/")).status == 0);
    std::string big = noise(2'000'000);
    big.insert(700'000, "inserted");
    big.replace(1'500'000, 4, "####");
    const auto file = source.root->change_file("big");
    file->write_at(0, base::as_bytes(big));
    const std::string option = GENERATE("--no-whole-file", "--checksum-choice=md5", "--checksum-choice=xxh3",
                                        "--checksum-choice=xxh64");
    const os::Finished pulled = source.pull({"-a", option}, daemon.url("data/"));
    CHECK(pulled.errors == "");
    source.require_equal();
    const auto served = daemon.stop();
    CHECK(served.at(1).bytes_literal < 10'000);
    CHECK(served.at(1).bytes_literal > 0);
}

TEST_CASE("stock rsync compares by our checksums, and gets only what differs", "[interop]") {
    Source source;
    const std::string choice =
        GENERATE("--numeric-ids", "--checksum-choice=xxh3,md5", "--checksum-choice=xxh64", "--protocol=30");
    INFO(choice);
    make_difficult(*source.root, choice == "--protocol=30" ? 30 : 32);
    OurDaemon daemon{*source.machine, source.options()};
    REQUIRE(source.pull({"-aH", choice}, daemon.url("data/")).errors == "");
    // Of the same size and time, but one byte is another; and another time, but the same content.
    const auto ours = source.machine->open_root(source.scratch / "ours");
    const auto damage = [&](const std::string& path, std::uint64_t at) {
        const base::Attributes before = ours->status(path).value().attributes;
        ours->change_file(path)->write_at(at, base::as_bytes("#"));
        ours->set_attributes(path, before);
    };
    damage("big", 1'000);
    damage("sub/deep/file", 70'000);
    base::Attributes later = ours->status("setuid").value().attributes;
    ++later.mtime.seconds;
    ours->set_attributes("setuid", later);
    const os::Finished pulled = source.pull({"-aHc", "--no-whole-file", choice}, daemon.url("data/"));
    CHECK(pulled.errors == "");
    CHECK(pulled.status == 0);
    source.require_equal();
    const auto served = daemon.stop();
    REQUIRE(served.size() == 2);
    CHECK(served[1].refused == "");
    CHECK(served[1].files_sent == 2);
    CHECK(served[1].bytes_literal < 5000);
}

TEST_CASE("stock rsync pulls a part of a module", "[interop]") {
    Source source;
    OurDaemon daemon{*source.machine, source.options()};
    const auto ours = [&](const std::string& name) { return source.scratch / ("ours/" + name); };
    const auto exists = [&](const std::string& name) { return std::filesystem::exists(ours(name)); };
    SECTION("a directory") {
        CHECK(source.pull({"-a"}, daemon.url("data/sub/deep")).errors == "");
        CHECK(exists("deep/file"));
    }
    SECTION("what is in a directory") {
        CHECK(source.pull({"-a"}, daemon.url("data/sub/")).errors == "");
        CHECK(exists("deep/file"));
        CHECK(exists("empty"));
    }
    SECTION("a file") {
        CHECK(source.pull({"-a"}, daemon.url("data/sub/deep/file")).errors == "");
        CHECK(exists("file"));
    }
    SECTION("a dry run") {
        const os::Finished finished = source.pull({"-ain"}, daemon.url("data/"));
        CHECK(finished.status == 0);
        CHECK(finished.output.find("f+++++++++ sub/deep/file") != std::string::npos);
        CHECK(!exists("big"));
    }
    SECTION("what is not there") {
        const std::string path =
            GENERATE("data/nothing", "data/../theirs/big", "data/link/x", "data/.ft-staging");
        const os::Finished finished = source.pull({"-a"}, daemon.url(path));
        CHECK(finished.status == 23);
        CHECK(finished.errors.find("no such file or directory") != std::string::npos);
    }
    SECTION("a directory without recursion") {
        const os::Finished finished = source.pull({}, daemon.url("data/sub"));
        CHECK((finished.output + finished.errors).find("skipping directory sub") != std::string::npos);
    }
}

TEST_CASE("stock rsync needs the password that we want", "[interop]") {
    Source source;
    source.credentials = {"mover", "s3cret pass"};
    OurDaemon daemon{*source.machine, source.options()};
    const os::Finished right =
        source.pull({"-a"}, daemon.url_of("mover", "data/"), {{"RSYNC_PASSWORD", "s3cret pass"}});
    CHECK(right.errors == "");
    source.require_equal();
    const os::Finished wrong =
        source.pull({"-a"}, daemon.url_of("mover", "data/"), {{"RSYNC_PASSWORD", "guess"}});
    CHECK(wrong.status == 5);
    CHECK(wrong.errors.find("@ERROR: auth failed on module data") != std::string::npos);
    const os::Finished unknown = source.pull({"-a"}, daemon.url("etc/"));
    CHECK(unknown.status == 5);
    CHECK(unknown.errors.find("@ERROR: Unknown module 'etc'") != std::string::npos);
}

TEST_CASE("stock rsync is told by name what we do not grant", "[interop]") {
    Source source;
    OurDaemon daemon{*source.machine, source.options()};
    const auto [option, text] = GENERATE(table<std::string, std::string>(
        {{"-XX", "this server does not grant --xattrs given twice (-XX)"},
         {"-U", "this server does not grant --atimes (-U)"},
         {"-C", "this server does not grant --cvs-exclude (-C)"},
         {"-R", "this server does not grant --relative (-R)"},
         {"-k", "this server does not grant --copy-dirlinks (-k)"},
         {"-L", "this server does not grant --copy-links (-L)"},
         {"-xx", "this server does not grant --one-file-system given twice (-xx)"},
         {"-B4096", "this server does not grant --block-size (-B)"},
         {"--copy-unsafe-links", "this server does not grant --copy-unsafe-links"},
         {"--copy-devices", "this server does not grant --copy-devices"},
         {"--files-from=/dev/null", "this server does not grant --relative (-R)"},
         {"--checksum-choice=sha1", "this server does not grant --checksum-choice=sha1"},
         {"--checksum-choice=md4", "this server does not grant --checksum-choice=md4"},
         {"--checksum-choice=none", "this server does not grant --checksum-choice=none"},
         {"--checksum-choice=xxh3,sha1", "this server does not grant --checksum-choice=xxh3,sha1"},
         {"--skip-compress=gz", "this server does not grant --skip-compress=gz"},
         {"--remove-source-files", "this server does not grant --remove-source-files"},
         {"--delete-missing-args", "this server does not grant --delete-missing-args"},
         {"--ignore-missing-args", "this server does not grant --ignore-missing-args"},
         {"--append", "this server does not grant --append"},
         {"--inplace", "this server does not grant --inplace"},
         {"--iconv=utf8", "this server does not grant --iconv=utf8"},
         {"-M--anything", "this server does not grant --anything"},
         {"--exclude=*.o", "this server does not serve by filter rules (--filter, --exclude, --include)"},
         {"--include=*.o", "this server does not serve by filter rules (--filter, --exclude, --include)"},
         {"--filter=- *.o", "this server does not serve by filter rules (--filter, --exclude, --include)"},
         {"--partial-dir=.part", "this server does not serve by filter rules"},
         {"--delay-updates", "this server does not serve by filter rules"},
         {"-F", "this server does not serve by filter rules (--filter, --exclude, --include)"}}));
    INFO(option);
    const os::Finished finished = source.pull({"-a", option}, daemon.url("data/"));
    CHECK(finished.status == 4);
    CHECK(finished.errors.find(text) != std::string::npos);
    const os::Finished old = source.pull({"-a", option, "--protocol=30"}, daemon.url("data/"));
    CHECK(old.status != 0);
    CHECK(old.errors.find(text) != std::string::npos);
    CHECK(std::filesystem::is_empty(source.scratch / "ours"));
}

TEST_CASE("options that are the client's own business change nothing in what stock rsync gets from us",
          "[interop]") {
    Source source;
    OurDaemon daemon{*source.machine, source.options()};
    const std::string option = GENERATE(
        "-S", "-s", "-v", "-i", "-q", "-W", "-K", "-y", "-I", "-u", "-P", "-x", "--delete", "--delete-before",
        "--delete-during", "--delete-delay", "--delete-after", "--delete-excluded", "--ignore-errors",
        "--stats", "--info=all", "--suffix=.old", "--open-noatime", "--safe-links", "--timeout=7",
        "--max-delete=5", "--size-only", "--modify-window=1", "--ignore-existing", "--trust-sender",
        "--old-args", "--fsync", "--bwlimit=10000", "--compress-level=9", "--compress-level=0",
        "--zc=zstd --zl=12", "--zc=zlib --zl=1", "--zc=zstd --zl=-3", "--no-inc-recursive", "--preallocate",
        "--max-alloc=1g", "--outbuf=L", "--stop-after=5", "--mkpath");
    INFO(option);
    std::vector<std::string> options{"-aH"};
    std::istringstream words{option};
    for (std::string word; words >> word;) options.push_back(word);
    const os::Finished finished = source.pull(options, daemon.url("data/"));
    CHECK(finished.errors == "");
    CHECK(finished.status == 0);
    source.require_equal();
    const auto served = daemon.stop();
    REQUIRE(served.size() == 1);
    CHECK(served[0].refused == "");
}

TEST_CASE("what stock rsync leaves out by its options, it does not get", "[interop]") {
    Source source;
    OurDaemon daemon{*source.machine, source.options()};
    const auto [options, missing] = GENERATE(table<std::string, std::string>({{"--no-D", "disk tty pipe"},
                                                                              {"--no-devices", "disk tty"},
                                                                              {"--no-specials", "pipe"},
                                                                              {"--no-links", "link"}}));
    INFO(options);
    CHECK(source.pull({"-a", options}, daemon.url("data/")).status == 0);
    std::istringstream names{missing};
    for (std::string name; names >> name;) {
        INFO(name);
        CHECK_FALSE(
            std::filesystem::exists(std::filesystem::symlink_status(source.scratch / ("ours/" + name))));
        std::filesystem::remove(source.scratch / ("theirs/" + name));
    }
    const auto ours = source.machine->open_root(source.scratch / "ours");
    const auto theirs = source.machine->open_root(source.scratch / "theirs");
    for (auto* root : {ours.get(), theirs.get()}) root->set_attributes(".", {0755, 0, 0, {1'700'000'000, 0}});
    source.require_equal();
}

TEST_CASE("a stock client's rate is kept", "[interop]") {
    Source source;
    std::uint64_t held = 0;
    rsync::ServeOptions options = source.options();
    options.hold_back = [&](std::uint64_t bytes, std::uint64_t rate) {
        CHECK(rate == 1536 * 1024);
        held += bytes;
    };
    OurDaemon daemon{*source.machine, options};
    CHECK(source.pull({"-a", "--bwlimit=1.5m"}, daemon.url("data/")).errors == "");
    source.require_equal();
    daemon.stop();
    CHECK(held > 2'100'000);
}

TEST_CASE("a server that cannot keep a rate refuses it", "[interop]") {
    Source source;
    rsync::ServeOptions options = source.options();
    options.hold_back = {};
    OurDaemon daemon{*source.machine, options};
    const os::Finished finished = source.pull({"-a", "--bwlimit=100"}, daemon.url("data/"));
    CHECK(finished.errors.find("this server does not grant --bwlimit") != std::string::npos);
}

TEST_CASE("stock rsync cannot push to us", "[interop]") {
    Source source;
    OurDaemon daemon{*source.machine, source.options()};
    const os::Finished finished = run(*source.machine, {"rsync", "-a", "--delete", "--remove-source-files",
                                                        "/usr/share/doc/rsync/", daemon.url("data/")});
    CHECK(finished.status != 0);
    CHECK(finished.errors.find("this server only sends") != std::string::npos);
    CHECK(std::filesystem::exists(source.scratch / "theirs/sub/deep/file"));
}
