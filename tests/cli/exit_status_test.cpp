#include "cli/exit_status.h"

#include <catch2/catch.hpp>

using namespace ft;
using base::ErrorKind;

TEST_CASE("each kind of error has the exit status of the manual", "[cli]") {
    const auto status = [](ErrorKind kind) { return static_cast<int>(cli::exit_status(kind)); };
    CHECK(status(ErrorKind::internal) == 1);
    CHECK(status(ErrorKind::database) == 1);
    CHECK(status(ErrorKind::usage) == 2);
    CHECK(status(ErrorKind::unfit) == 3);
    CHECK(status(ErrorKind::network) == 4);
    CHECK(status(ErrorKind::stranger) == 4);
    CHECK(status(ErrorKind::peer) == 5);
    CHECK(status(ErrorKind::io) == 6);
    CHECK(status(ErrorKind::permission) == 6);
    CHECK(status(ErrorKind::no_space) == 6);
    CHECK(status(ErrorKind::corrupt) == 7);
    CHECK(status(ErrorKind::cancelled) == 8);
    CHECK(status(ErrorKind::busy) == 9);
    CHECK(status(ErrorKind::recovery) == 11);
}
