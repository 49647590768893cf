#include <catch2/catch.hpp>

#include "ft/wire/filters.h"
#include "ft/wire/items.h"
#include "wire/decoding.h"

using namespace ft;
using base::ErrorKind;
using wire::Item;
using wire::Reader;
using wire::Writer;

namespace {

std::optional<ErrorKind> filter_refusal(const std::vector<std::string>& rules) {
    Writer out;
    wire::write_filters(out, rules);
    return test::refusal(out.written(), [](Reader& in) { wire::read_filters(in); });
}

}  // namespace

TEST_CASE("items come back with exactly the fields that their flags name", "[wire]") {
    const auto sent =
        GENERATE(Item{.index = 0, .flags = wire::kReportTime}, Item{.index = 9, .flags = wire::kTransfer},
                 Item{.index = 1, .flags = wire::kTransfer | wire::kBasisTypeFollows, .basis = 0x83},
                 Item{.index = 2,
                      .flags = wire::kLocalChange | wire::kXnameFollows,
                      .basis = wire::kBasisIsFile,
                      .extra_name = std::string(4095, 'n')});
    Writer out;
    wire::IndexWriter writer;
    wire::write_item(out, writer, sent);
    const auto read = [](Reader& in) {
        wire::IndexReader indices;
        return wire::read_item(in, indices.read(in, 10));
    };
    CHECK(test::decoded(out.written(), read, 3) == sent);
}

TEST_CASE("items with flags that nobody uses are refused", "[wire]") {
    const auto* hex = GENERATE("0002", "0001", "0082", "00a1",
                               "0010"
                               "90"
                               "00",
                               "0010"
                               "0100");
    INFO(hex);
    CHECK(test::refusal(test::from_hex(hex), [](Reader& in) { wire::read_item(in, 0); }) == ErrorKind::peer);
}

TEST_CASE("a damaged item ends in an error or in a value", "[wire]") {
    test::damage(test::from_hex("00b8"
                                "83"
                                "03616263"),
                 [](Reader& in) { wire::read_item(in, 0); });
}

TEST_CASE("statistics come back, and negative ones are refused", "[wire]") {
    const wire::Statistics sent{80, 256, INT64_MAX, 1, 0};
    Writer out;
    wire::write_statistics(out, sent);
    CHECK(test::decoded(out.written(), wire::read_statistics, 3) == sent);
    test::damage(out.written(), wire::read_statistics);
    Writer negative;
    wire::write_statistics(negative, {.bytes_read = -1});
    CHECK(test::refusal(negative.written(), wire::read_statistics) == ErrorKind::peer);
}

TEST_CASE("deletion statistics come back within their limits", "[wire]") {
    const wire::DeleteStatistics sent{1, 2, 3, 4, 1 << 28};
    Writer out;
    wire::write_delete_statistics(out, sent);
    CHECK(test::decoded(out.written(), wire::read_delete_statistics, 3) == sent);
    for (const std::int32_t files : {-1, (1 << 28) + 1}) {
        Writer wrong;
        wire::write_delete_statistics(wrong, {.files = files});
        CHECK(test::refusal(wrong.written(), wire::read_delete_statistics) == ErrorKind::peer);
    }
}

TEST_CASE("filter lists come back as texts", "[wire]") {
    const std::vector<std::string> sent{"- *.dat", "+ /sub/***", std::string(4096, 'r')};
    Writer out;
    wire::write_filters(out, sent);
    CHECK(test::decoded(out.written(), wire::read_filters, 16) == sent);
    Writer none;
    wire::write_filters(none, {});
    CHECK(test::copy_of(none.written()) == test::from_hex("00000000"));
    test::damage(test::from_hex("020000002d20"
                                "00000000"),
                 wire::read_filters);
}

TEST_CASE("filter lists are limited", "[wire]") {
    CHECK(filter_refusal(std::vector<std::string>(10'000, "- a")) == std::nullopt);
    CHECK(filter_refusal(std::vector<std::string>(10'001, "- a")) == ErrorKind::peer);
    CHECK(filter_refusal({std::string(4097, 'a')}) == ErrorKind::peer);
    CHECK(filter_refusal(std::vector<std::string>(256, std::string(4096, 'a'))) == std::nullopt);
    CHECK(filter_refusal(std::vector<std::string>(257, std::string(4096, 'a'))) == ErrorKind::peer);
    CHECK(test::refusal(test::from_hex("ffffffff"), wire::read_filters) == ErrorKind::peer);
}
