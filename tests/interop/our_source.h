#pragma once

#include <catch2/catch.hpp>

#include "interop/stock.h"

namespace ft::test {

/// A tree of the real disk, served by us.
struct Source {
    Source() {
        std::filesystem::create_directory(scratch / "theirs");
        std::filesystem::create_directory(scratch / "ours");
        root = machine->open_root(scratch / "theirs");
        write_tree(*root, sample_tree(noise(2'000'000)));
        rules.exclude(".ft-staging");
    }
    rsync::ServeOptions options() {
        return {.modules = {{.name = "data", .comment = "the data", .root = root.get(), .rules = &rules},
                            {.name = "config", .comment = "", .root = root.get(), .rules = &rules}},
                .accounts = accounts.get(),
                .credentials = credentials,
                .fill_random = [this](std::span<std::byte> into) { machine->fill_random(into); },
                .hold_back = [](std::uint64_t, std::uint64_t) {}};
    }
    os::Finished pull(std::vector<std::string> options, const std::string& url,
                      const std::map<std::string, std::string>& environment = {}) {
        options.insert(options.begin(), "rsync");
        options.push_back(url);
        options.push_back((scratch / "ours") + "/");
        return run(*machine, options, environment);
    }
    void require_equal() { CHECK(difference_by_find(*machine, scratch / "ours", scratch / "theirs") == ""); }

    std::unique_ptr<os::Machine> machine = os::make_machine();
    Scratch scratch;
    std::unique_ptr<os::Directory> root;
    std::unique_ptr<os::Accounts> accounts = machine->accounts("/");
    tree::Rules rules;
    std::optional<rsync::Credentials> credentials;
};

}  // namespace ft::test
