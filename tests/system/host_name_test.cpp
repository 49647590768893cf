#include "ft/system/host_name.h"

#include <catch2/catch.hpp>

using namespace ft::system;

TEST_CASE("the host name is the first word of its file that is no comment", "[hostname]") {
    CHECK(host_name_in("web2\n") == "web2");
    CHECK(host_name_in("# set by the installer\n\n  web2.example.com  # x\nother\n") == "web2.example.com");
    CHECK(host_name_in("") == "");
    CHECK(host_name_in("#\n") == "");
}

namespace {

const std::string kDebian =
    "127.0.0.1\tlocalhost\n"
    "127.0.1.1\tweb2.example.com\tweb2\n"
    "# 10.0.0.9 web2\n"
    "10.0.0.7  db web22 web2x.example.com\n"
    "\n"
    "::1     localhost ip6-localhost ip6-loopback";

}  // namespace

TEST_CASE("the machine's names in hosts become the new ones, all else stays byte for byte", "[hostname]") {
    const std::string wanted =
        "127.0.0.1\tlocalhost\n"
        "127.0.1.1\tfiles.example.net files\n"
        "# 10.0.0.9 web2\n"
        "10.0.0.7  db web22 web2x.example.com\n"
        "\n"
        "::1     localhost ip6-localhost ip6-loopback";
    // The file may say the full name, the short one, or another case.
    for (const char* before : {"web2", "web2.example.com", "WEB2"}) {
        CHECK(hosts_with(kDebian, before, "files.example.net") == wanted);
    }
    CHECK(hosts_with(wanted, "files.example.net", "files.example.net") == wanted);
}

TEST_CASE("every line with the machine's name is renamed, aliases stay", "[hostname]") {
    CHECK(hosts_with("127.0.1.1 web2 alias # web2 is here\n 10.0.0.5\twww web2.example.com  web2 \tftp\n",
                     "web2",
                     "files") == "127.0.1.1 files alias # web2 is here\n 10.0.0.5\twww files \tftp\n");
}

TEST_CASE("without the machine's name in hosts, 127.0.1.1 gets the new one", "[hostname]") {
    CHECK(hosts_with("127.0.0.1 localhost\n127.0.1.1\told.example old # x\n", "web2", "files.example.net") ==
          "127.0.0.1 localhost\n127.0.1.1\tfiles.example.net files # x\n");
    CHECK(hosts_with("127.0.1.1\n", "web2", "files") == "127.0.1.1\tfiles\n");
    CHECK(hosts_with("127.0.0.1 localhost", "web2", "files.example.net") ==
          "127.0.0.1 localhost\n127.0.1.1\tfiles.example.net files\n");
    CHECK(hosts_with("", "", "files") == "127.0.1.1\tfiles\n");
}

TEST_CASE("a machine that is called localhost leaves localhost its lines", "[hostname]") {
    const std::string hosts = "127.0.0.1   localhost localhost.localdomain localhost4\n";
    for (const char* before : {"localhost", "localhost.localdomain"}) {
        CHECK(hosts_with(hosts, before, "files.example.net") ==
              hosts + "127.0.1.1\tfiles.example.net files\n");
    }
}

TEST_CASE("setting the name again changes nothing", "[hostname]") {
    for (const char* after : {"files.example.net", "files", "web2", "web2.example.org"}) {
        const std::string once = hosts_with(kDebian, "web2", after);
        CHECK(hosts_with(once, after, after) == once);
        const std::string with_another = "192.0.2.1 " + std::string{after} + "\n" + once;
        CHECK(hosts_with(with_another, after, after) == with_another);
    }
}

TEST_CASE("HOSTNAME of Red Hat's old file is set where it is", "[hostname]") {
    CHECK(sysconfig_with("NETWORKING=yes\nHOSTNAME=web2\nGATEWAY=10.0.0.1\n", "files.example.net") ==
          "NETWORKING=yes\nHOSTNAME=files.example.net\nGATEWAY=10.0.0.1\n");
    CHECK(sysconfig_with("  HOSTNAME=\"a b\"", "f") == "  HOSTNAME=f");
    CHECK(sysconfig_with("NETWORKING=yes\n#HOSTNAME=x\n", "f") == "NETWORKING=yes\n#HOSTNAME=x\n");
}
