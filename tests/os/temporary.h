#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include "ft/os/machine.h"

namespace ft::test {

/// A real directory of its own for a test, open, removed with it.
class Temporary {
public:
    Temporary() {
        if (::mkdtemp(path_.data()) == nullptr) std::abort();
        root_ = machine_->open_root(path_);
    }
    ~Temporary() { std::filesystem::remove_all(path_); }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;

    os::Machine& machine() { return *machine_; }
    os::Directory& root() { return *root_; }
    const os::Directory& read() const { return *root_; }
    std::string path(std::string_view below = {}) const {
        return below.empty() ? path_ : path_ + "/" + std::string{below};
    }
    void file(std::string_view below, std::string_view content) const {
        std::ofstream{path(below)} << content;
    }
    std::string content(std::string_view below) const {
        std::ifstream in{path(below)};
        return {std::istreambuf_iterator<char>{in}, {}};
    }

private:
    std::unique_ptr<os::Machine> machine_ = os::make_machine();
    std::string path_ = "/tmp/ft-os-XXXXXX";
    std::unique_ptr<os::Directory> root_;
};

}  // namespace ft::test
