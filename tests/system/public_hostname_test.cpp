#include "ft/system/public_hostname.h"

#include <catch2/catch.hpp>

#include <string>

#include "support/error_of.h"
#include "support/memory_machine.h"

using namespace ft;

namespace {

/// What is found in /srv/etc/app.conf with `content`.
std::string found(const std::string& content, const std::string& pointer, const std::string& pattern) {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    machine.make_root("/srv/etc");
    os::write_whole(*machine.open_root("/srv/etc"), "app.conf", content);
    system::Description system;
    system.root = "/srv";
    system::PublicHostname name;
    name.file = "/etc/app.conf";
    name.pointer = pointer;
    name.pattern = pattern;
    std::string result;
    const std::string error =
        test::error_of([&] { result = system::public_hostname_of_file(machine, system, name); });
    return error == "no error" ? result : error;
}

}  // namespace

TEST_CASE("a public host name stands in JSON at a pointer", "[system]") {
    const std::string pointer = "/server/names/0";
    CHECK(found(R"({"server": {"names": [" a.example "]}} // yes)", pointer, "") == "a.example");
    CHECK(found(R"({"server": {"names": [7]}})", pointer, "") ==
          "/srv/etc/app.conf: has no text at /server/names/0");
    CHECK(found(R"({"server": {"names": {}}})", pointer, "") ==
          "/srv/etc/app.conf: has no text at /server/names/0");
    CHECK(found(R"({"server": {"names": [""]}})", pointer, "") ==
          "/srv/etc/app.conf: what stands at /server/names/0 is empty");
    CHECK(found("{\n}}", pointer, "").rfind("/srv/etc/app.conf: line 2: ", 0) == 0);
}

TEST_CASE("a public host name is the first group of the first line that fits", "[system]") {
    const std::string pattern = R"(^\s*host\s*=\s*"?([^"]*))";
    CHECK(found("# host=x\nhost = \"a.example\"\r\nhost=b.example\n", "", pattern) == "a.example");
    CHECK(found("host=b.example", "", pattern) == "b.example");
    CHECK(found("nothing\n", "", pattern) ==
          "/srv/etc/app.conf: no line fits " + test::error_of([&] {
              throw base::Error{base::ErrorKind::unfit, R"(^\x5cs*host\x5cs*=\x5cs*"?([^"]*))"};
          }));
    CHECK(found("host=a b\n", "", "=(.*)") ==
          "/srv/etc/app.conf: what fits =(.*) is \"a b\": it must be a host name: labels of letters, digits "
          "and '-', joined by '.'");
    CHECK(found("host=10.1.2.3\n", "", "=(.*)") ==
          "/srv/etc/app.conf: what fits =(.*) is \"10.1.2.3\": it must be a host name, not a number or an "
          "address");
    CHECK(found(std::string(5000, 'x') + "=a.example\n=b.example\n", "", "=(.*)") == "b.example");
    CHECK(found(std::string(1'000'000, '=') + "\n", "", "=(.*)") == "/srv/etc/app.conf: no line fits =(.*)");
}
