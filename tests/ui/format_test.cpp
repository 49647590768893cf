#include "ft/ui/format.h"

#include <catch2/catch.hpp>

using namespace ft;

TEST_CASE("sizes have three digits and a unit", "[ui]") {
    CHECK(ui::bytes(0) == "0 bytes");
    CHECK(ui::bytes(1) == "1 byte");
    CHECK(ui::bytes(999) == "999 bytes");
    CHECK(ui::bytes(1000) == "1.00 kB");
    CHECK(ui::bytes(41'234'000'000) == "41.2 GB");
    CHECK(ui::bytes(999'600) == "1.00 MB");
    CHECK(ui::bytes(18'446'744'073'709'551'615u) == "18.4 EB");
}

TEST_CASE("counts are grouped and know their plural", "[ui]") {
    CHECK(ui::count(0, "file", "files") == "0 files");
    CHECK(ui::count(1, "file", "files") == "1 file");
    CHECK(ui::count(1234567, "file", "files") == "1,234,567 files");
    CHECK(ui::count(123, "file", "files") == "123 files");
}

TEST_CASE("durations show what matters", "[ui]") {
    using std::chrono::milliseconds;
    CHECK(ui::duration(milliseconds{400}) == "0.4 s");
    CHECK(ui::duration(milliseconds{12'000}) == "12 s");
    CHECK(ui::duration(milliseconds{185'000}) == "3 min 05 s");
    CHECK(ui::duration(milliseconds{7'800'000}) == "2 h 10 min");
}

TEST_CASE("times are UTC", "[ui]") { CHECK(ui::time(1'709'642'096) == "2024-03-05T12:34:56Z"); }
