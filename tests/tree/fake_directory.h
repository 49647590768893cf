#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "ft/base/error.h"
#include "ft/os/file.h"

namespace ft::test {

/// A directory tree as a table that can only be read, and that misbehaves on order: names that vanish between
/// list and status, objects that cannot be read, more levels than a real test wants to make.
class FakeDirectory : public os::Directory {
public:
    struct Node {
        os::Status status;
        std::string target;
        std::string extended{};
    };
    struct Disk {
        std::map<std::string, Node> nodes;                         // by path from the root
        std::map<std::string, std::vector<std::string>> children;  // by path of the directory
        std::map<std::string, int>
            unreadable;  // directory that cannot be listed, link that cannot be read: errno
        std::function<void(const std::string&)> on_list;  // called with the path, after the names were taken
        mutable int open = 0;
        mutable int most_open = 0;
    };

    FakeDirectory(Disk& disk, std::string at) : disk_{disk}, at_{std::move(at)} {
        disk_.most_open = std::max(disk_.most_open, ++disk_.open);
    }
    ~FakeDirectory() override { --disk_.open; }
    FakeDirectory(const FakeDirectory&) = delete;
    FakeDirectory& operator=(const FakeDirectory&) = delete;

    /// Adds an object; its directory must have been added before.
    static Node& add(Disk& disk, const std::string& path, base::FileType type, std::uint64_t size = 0) {
        if (path != ".") {
            const std::size_t slash = path.rfind('/');
            disk.children[slash == std::string::npos ? "." : path.substr(0, slash)].push_back(
                path.substr(slash + 1));
        }
        Node& node = disk.nodes[path];
        node.status.type = type;
        node.status.size = size;
        node.status.attributes = {0640, 1, 2, {1'600'000'000, 123'456'789}};
        return node;
    }

    std::string path() const override { return "/fake/" + at_; }
    void for_each_name(const os::UseName& use) const override {
        require_readable(at_, "list");
        if (!disk_.nodes.contains(at_)) throw base::system_error("list", path(), ENOENT);
        const std::vector<std::string> names = disk_.children[at_];
        if (disk_.on_list) disk_.on_list(at_);
        for (const std::string& name : names) use(name, 1);
    }
    std::optional<os::Status> status(std::string_view name) const override {
        const auto found = disk_.nodes.find(full(name));
        if (found == disk_.nodes.end()) return std::nullopt;
        return found->second.status;
    }
    std::string read_link(std::string_view name) const override {
        require_readable(full(name), "read link");
        return disk_.nodes.at(full(name)).target;
    }
    std::string extended(std::string_view name) const override {
        const auto found = disk_.nodes.find(full(name));
        if (found == disk_.nodes.end()) throw base::system_error("look at", full(name), ENOENT);
        return found->second.extended;
    }
    std::unique_ptr<const os::Directory> open_directory(std::string_view name) const override {
        const auto found = disk_.nodes.find(full(name));
        if (found == disk_.nodes.end()) throw base::system_error("open", full(name), ENOENT);
        if (found->second.status.type != base::FileType::directory) {
            throw base::system_error("open", full(name), ENOTDIR);
        }
        return std::make_unique<FakeDirectory>(disk_, full(name));
    }

    std::unique_ptr<const os::File> open_file(std::string_view) const override { refuse(); }
    os::Space space() const override { refuse(); }
    std::unique_ptr<os::Directory> open_directory(std::string_view) override { refuse(); }
    std::unique_ptr<os::File> create_file(std::string_view) override { refuse(); }
    std::unique_ptr<os::File> change_file(std::string_view) override { refuse(); }
    void create_directory(std::string_view) override { refuse(); }
    void create_symlink(std::string_view, std::string_view) override { refuse(); }
    void create_special(std::string_view, os::FileType, std::uint32_t, std::uint32_t) override { refuse(); }
    void link(std::string_view, os::Directory&, std::string_view) override { refuse(); }
    void rename(std::string_view, os::Directory&, std::string_view) override { refuse(); }
    void exchange(std::string_view, os::Directory&, std::string_view) override { refuse(); }
    void remove(std::string_view) override { refuse(); }
    void set_attributes(std::string_view, const os::Attributes&) override { refuse(); }
    void set_extended(std::string_view, std::string_view) override { refuse(); }
    void sync() override { refuse(); }
    void sync_file_system() override { refuse(); }

private:
    [[noreturn]] static void refuse() { throw std::logic_error{"a scan does not do that"}; }
    std::string full(std::string_view name) const {
        if (name == ".") return at_;
        return at_ == "." ? std::string{name} : at_ + '/' + std::string{name};
    }
    void require_readable(const std::string& path, const char* action) const {
        const auto found = disk_.unreadable.find(path);
        if (found != disk_.unreadable.end()) throw base::system_error(action, path, found->second);
    }

    Disk& disk_;
    std::string at_;
};

}  // namespace ft::test
