#include "migrate/code.h"

#include <catch2/catch.hpp>

#include "ft/base/error.h"
#include "support/memory_machine.h"

using namespace ft;

namespace {

base::ErrorKind kind_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const base::Error& error) {
        return error.kind();
    }
    FAIL("no error");
    return base::ErrorKind::internal;
}

}  // namespace

TEST_CASE("a source makes the file with its code when it is missing, and keeps it afterwards", "[migrate]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    const auto made = migrate::source_code(machine, "/code");
    CHECK(disk.open("/")->status("code")->attributes.mode == 0600);
    CHECK(migrate::source_code(machine, "/code") == made);
    CHECK(migrate::read_secret(machine, "/code") == made.text());
}

TEST_CASE("a secret that others may read is refused", "[migrate]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    const auto root = disk.open("/");
    os::write_whole(*root, "code", "x\n");
    os::Attributes attributes = root->status("code")->attributes;
    attributes.mode = 0640;
    root->set_attributes("code", attributes);
    CHECK(kind_of([&] { migrate::read_secret(machine, "/code"); }) == base::ErrorKind::usage);
}

TEST_CASE("the destination's code comes from the file, else the environment, else a question", "[migrate]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    ui::Console console{machine, false};
    base::Cancellation cancellation;
    const auto in_file = migrate::source_code(machine, "/code");
    const auto fill = [&](std::span<std::byte> into) { machine.fill_random(into); };
    const auto in_environment = transport::PairingCode::generate(fill);
    const auto typed = transport::PairingCode::generate(fill);

    CHECK(kind_of([&] { migrate::destination_code(machine, "", console, cancellation); }) ==
          base::ErrorKind::usage);
    machine.answers = {typed.text()};
    CHECK(migrate::destination_code(machine, "", console, cancellation) == typed);
    machine.variables["FT_CODE"] = in_environment.text();
    CHECK(migrate::destination_code(machine, "", console, cancellation) == in_environment);
    CHECK(machine.variables.count("FT_CODE") == 0);
    machine.variables["FT_CODE"] = in_environment.text();
    CHECK(migrate::destination_code(machine, "/code", console, cancellation) == in_file);
    CHECK(machine.variables.count("FT_CODE") == 0);
}
