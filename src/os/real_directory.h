#pragma once

#include <string>

#include "ft/os/file.h"
#include "os/fd.h"
#include "os/real_file.h"

namespace ft::os {

/// A directory of the real machine, held by descriptor. `path` is for messages and programs.
class RealDirectory final : public Directory {
public:
    RealDirectory(Fd fd, std::string path) : fd_{std::move(fd)}, path_{std::move(path)} {}
    int number() const noexcept { return fd_.number(); }

    std::string path() const override { return path_; }
    void for_each_name(const UseName& use) const override;
    std::optional<Status> status(std::string_view path) const override;
    std::string read_link(std::string_view path) const override;
    std::string extended(std::string_view path) const override;
    std::unique_ptr<const File> open_file(std::string_view path) const override;
    std::unique_ptr<const Directory> open_directory(std::string_view path) const override;
    Space space() const override;

    std::unique_ptr<Directory> open_directory(std::string_view path) override;
    std::unique_ptr<File> create_file(std::string_view path) override;
    std::unique_ptr<File> change_file(std::string_view path) override;
    void create_directory(std::string_view path) override;
    void create_symlink(std::string_view path, std::string_view target) override;
    void create_special(std::string_view path, FileType type, std::uint32_t major,
                        std::uint32_t minor) override;
    void link(std::string_view path, Directory& to_directory, std::string_view to) override;
    void rename(std::string_view from, Directory& to_directory, std::string_view to) override;
    void exchange(std::string_view path, Directory& other_directory, std::string_view other) override;
    void remove(std::string_view path) override;
    void set_attributes(std::string_view path, const Attributes& attributes) override;
    void set_extended(std::string_view path, std::string_view packed) override;
    void sync() override;
    void sync_file_system() override;

private:
    /// An object's parent, held, and its name there: what the ...at() calls take.
    struct Place {
        Fd held;  ///< closed when the parent is this directory
        int parent;
        std::string name;
    };
    std::uint64_t pool() const;
    void require_path(std::string_view path) const;
    Place place(std::string_view path, std::string_view action) const;
    Fd open(std::string_view path, std::uint64_t flags) const;
    std::unique_ptr<RealDirectory> subdirectory(std::string_view path) const;
    std::unique_ptr<RealFile> regular_file(std::string_view path, std::uint64_t access) const;
    void move(std::string_view from, Directory& to_directory, std::string_view to, unsigned flags,
              std::string_view action);
    std::string whole(std::string_view path) const;
    [[noreturn]] void fail(std::string_view action, std::string_view path) const;

    Fd fd_;
    std::string path_;
};

/// `directory` as one of this machine. Error internal when it is another's.
const RealDirectory& real(const Directory& directory);

}  // namespace ft::os
