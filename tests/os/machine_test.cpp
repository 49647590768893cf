#include "ft/os/machine.h"

#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "ft/base/error.h"
#include "os/temporary.h"

using namespace ft::os;
using namespace std::chrono_literals;
using ft::base::Cancellation;
using ft::test::Temporary;

TEST_CASE("the running system's accounts are found by name and number", "[os]") {
    const auto accounts = make_machine()->accounts("/");
    for (int round = 0; round < 2; ++round) {  // the second time from memory
        CHECK(accounts->user_id("nobody") == 65534);
        CHECK(accounts->user_name(0) == "root");
        CHECK(accounts->group_id("root") == 0);
        CHECK(accounts->group_name(65534) == "nogroup");
        CHECK(accounts->user_id("ft-no-such-user") == std::nullopt);
        CHECK(accounts->user_name(3999999999) == std::nullopt);
        CHECK(accounts->group_id("ft-no-such-group") == std::nullopt);
        CHECK(accounts->group_name(3999999999) == std::nullopt);
    }
}

TEST_CASE("the accounts of another system are those of its files", "[os]") {
    Temporary at;
    CHECK(at.machine().accounts(at.path())->user_id("root") == std::nullopt);
    at.root().create_directory("etc");
    at.file("etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\n"
            "app:x:2001:2002:An App:/srv/app:/bin/false\n"
            "toor:x:0:0::/:/bin/sh\n"
            "app:x:7:7::/:\n"
            "+nis:x:\n"
            "no number:x:12a:1::/:\n"
            ":x:5:5::/:\n"
            "too big:x:4294967296:1::/:\n"
            "# a comment\n"
            "\n"
            "last:x:4294967294:1::/:");
    at.file("etc/group", "wheel:x:10:root,app\nempty::11:\n");
    const auto accounts = at.machine().accounts(at.path());
    CHECK(accounts->user_id("app") == 2001);
    CHECK(accounts->user_name(2001) == "app");
    CHECK(accounts->user_name(0) == "root");
    CHECK(accounts->user_id("toor") == 0);
    CHECK(accounts->user_id("last") == 4294967294);
    CHECK(accounts->user_name(7) == "app");
    CHECK(accounts->user_name(5) == std::nullopt);
    CHECK(accounts->user_id("no number") == std::nullopt);
    CHECK(accounts->user_id("too big") == std::nullopt);
    CHECK(accounts->group_id("wheel") == 10);
    CHECK(accounts->group_name(11) == "empty");
    CHECK(accounts->group_name(2002) == std::nullopt);
}

TEST_CASE("another system's account files are not read through a link", "[os]") {
    Temporary at;
    at.root().create_directory("etc");
    at.root().create_symlink("etc/passwd", "/etc/passwd");
    CHECK_THROWS_AS(at.machine().accounts(at.path()), ft::base::Error);
}

TEST_CASE("a sleep lasts as long as it should and ends with a request", "[os]") {
    const auto machine = make_machine();
    Cancellation cancellation;
    const auto before = machine->clock().now();
    machine->clock().sleep(20ms, cancellation);
    CHECK(machine->clock().now() - before >= 20ms);
    std::thread requester{[&] { cancellation.request("a test"); }};
    CHECK_THROWS_WITH(machine->clock().sleep(1h, cancellation), "interrupted by a test");
    requester.join();
}

TEST_CASE("random bytes do not repeat", "[os]") {
    const auto machine = make_machine();
    std::set<std::vector<std::byte>> seen;
    for (int i = 0; i < 100; ++i) {
        std::vector<std::byte> bytes(16);
        machine->fill_random(bytes);
        seen.insert(bytes);
    }
    CHECK(seen.size() == 100);
    std::vector<std::byte> many(100'000);
    CHECK_NOTHROW(machine->fill_random(many));
}

TEST_CASE("a forgotten variable is gone for us and for children", "[os]") {
    const auto machine = make_machine();
    REQUIRE(::setenv("FT_TEST_CODE", "secret", 1) == 0);
    CHECK(machine->environment("FT_TEST_CODE") == "secret");
    machine->forget_environment("FT_TEST_CODE");
    CHECK(machine->environment("FT_TEST_CODE") == std::nullopt);
    CHECK_FALSE(machine->host_name().empty());
}
