#include "ft/records/downtime.h"

#include <catch2/catch.hpp>

#include "support/memory_machine.h"

using namespace ft;

TEST_CASE("the downtime is told from the moment when production was stopped", "[records]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    os::Clock& clock = machine.clock();
    CHECK(records::downtime_suffix(clock, std::nullopt) == "");
    const auto since = clock.now();
    const std::string began = records::downtime_sentence(clock, since);
    base::Cancellation cancellation;
    clock.sleep(std::chrono::seconds{185}, cancellation);
    CHECK(records::downtime_suffix(clock, since) == ", production stopped for 3 min 05 s");
    const std::string later = records::downtime_sentence(clock, since);
    CHECK(later.ends_with("Z (downtime so far 3 min 05 s)"));
    const auto date = [](const std::string& sentence) { return sentence.substr(0, sentence.find('(')); };
    CHECK(date(began) == date(later));
}
