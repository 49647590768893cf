#include "ft/base/error.h"

#include <catch2/catch.hpp>
#include <cerrno>

using namespace ft::base;

TEST_CASE("a failed system call names object, action and reason on one line", "[base]") {
    const Error error = system_error("open", "/data/a\nb", ENOENT);
    CHECK(std::string{error.what()} == "/data/a\\x0ab: cannot open: No such file or directory");
    CHECK(error.kind() == ErrorKind::io);
    CHECK(error.advice().empty());
}

TEST_CASE("an errno decides between io, permission and no space", "[base]") {
    for (const int code : {ENOSPC, EDQUOT}) {
        CHECK(system_error("write", "a", code).kind() == ErrorKind::no_space);
        CHECK_FALSE(system_error("write", "a", code).advice().empty());
    }
    for (const int code : {EACCES, EPERM, EROFS})
        CHECK(system_error("write", "a", code).kind() == ErrorKind::permission);
    for (const int code : {EIO, ESTALE, EMFILE})
        CHECK(system_error("write", "a", code).kind() == ErrorKind::io);
    CHECK(system_error("link", "a", EMLINK).advice().find("hard links") != std::string::npos);
}

TEST_CASE("an error seen from further out keeps kind, advice and details", "[base]") {
    const Error inner =
        Error{ErrorKind::peer, "count: 9 is above 8", "Update ft."}.with_details({"one", "two"});
    const Error outer = inner.on("module\tdata");
    CHECK(std::string{outer.what()} == "module\\x09data: count: 9 is above 8");
    CHECK(outer.kind() == ErrorKind::peer);
    CHECK(outer.advice() == "Update ft.");
    CHECK(outer.details() == std::vector<std::string>{"one", "two"});
}
