#include <utility>

#include "support/fault_steps.h"

namespace ft::test {
namespace {

using Step = FaultSteps::Step;

class FaultyFile : public os::File {
public:
    FaultyFile(std::unique_ptr<os::File> real, FaultSteps& steps, std::string path)
        : real_{std::move(real)}, steps_{steps}, path_{std::move(path)} {}

    std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
        return real_->read_at(offset, into);
    }
    os::Status status() const override { return real_->status(); }
    void drop_cached() const override { real_->drop_cached(); }

    void write_at(std::uint64_t offset, std::span<const std::byte> data) override {
        const Step step{steps_, "write", path_};
        real_->write_at(offset, data);
        steps_.wrote(data);
    }
    bool share(std::uint64_t offset, const os::File& from, std::uint64_t from_offset,
               std::uint64_t length) override {
        const Step step{steps_, "write", path_};
        return real_->share(offset, from, from_offset, length);
    }
    void set_size(std::uint64_t size) override {
        const Step step{steps_, "set the size", path_};
        real_->set_size(size);
    }
    void set_attributes(const os::Attributes& attributes) override {
        const Step step{steps_, "set the owner", path_};
        real_->set_attributes(attributes);
    }
    void set_extended(std::string_view packed) override {
        const Step step{steps_, "set the extended attributes", path_};
        real_->set_extended(packed);
    }
    void sync() override {
        const Step step{steps_, "sync", path_};
        if (!steps_.no_syncs()) real_->sync();
    }

private:
    std::unique_ptr<os::File> real_;
    FaultSteps& steps_;
    std::string path_;
};

class FaultyDirectory : public os::Directory {
public:
    FaultyDirectory(std::unique_ptr<os::Directory> real, FaultSteps& steps)
        : real_{std::move(real)}, steps_{steps} {}

    os::Directory& real() const { return *real_; }

    std::string path() const override { return real_->path(); }
    void for_each_name(const os::UseName& use) const override { real_->for_each_name(use); }
    std::optional<os::Status> status(std::string_view path) const override { return real_->status(path); }
    std::string read_link(std::string_view path) const override { return real_->read_link(path); }
    std::string extended(std::string_view path) const override { return real_->extended(path); }
    std::unique_ptr<const os::File> open_file(std::string_view path) const override {
        return real_->open_file(path);
    }
    std::unique_ptr<const os::Directory> open_directory(std::string_view path) const override {
        return std::as_const(*real_).open_directory(path);
    }
    os::Space space() const override { return real_->space(); }

    std::unique_ptr<os::Directory> open_directory(std::string_view path) override {
        return make_faulty(real_->open_directory(path), steps_);
    }
    std::unique_ptr<os::File> create_file(std::string_view path) override {
        const Step step{steps_, "create", whole(path)};
        return std::make_unique<FaultyFile>(real_->create_file(path), steps_, whole(path));
    }
    std::unique_ptr<os::File> change_file(std::string_view path) override {
        return std::make_unique<FaultyFile>(real_->change_file(path), steps_, whole(path));
    }
    void create_directory(std::string_view path) override {
        const Step step{steps_, "create", whole(path)};
        real_->create_directory(path);
    }
    void create_symlink(std::string_view path, std::string_view target) override {
        const Step step{steps_, "create", whole(path)};
        real_->create_symlink(path, target);
    }
    void create_special(std::string_view path, os::FileType type, std::uint32_t major,
                        std::uint32_t minor) override {
        const Step step{steps_, "create", whole(path)};
        real_->create_special(path, type, major, minor);
    }
    void link(std::string_view path, os::Directory& to_directory, std::string_view to) override {
        const Step step{steps_, "link", whole(path)};
        real_->link(path, own(to_directory), to);
    }
    void rename(std::string_view from, os::Directory& to_directory, std::string_view to) override {
        const Step step{steps_, "rename", whole(from)};
        real_->rename(from, own(to_directory), to);
    }
    void exchange(std::string_view path, os::Directory& other_directory, std::string_view other) override {
        const Step step{steps_, "exchange", whole(path)};
        real_->exchange(path, own(other_directory), other);
    }
    void remove(std::string_view path) override {
        const Step step{steps_, "remove", whole(path)};
        real_->remove(path);
    }
    void set_attributes(std::string_view path, const os::Attributes& attributes) override {
        const Step step{steps_, "change", whole(path)};
        real_->set_attributes(path, attributes);
    }
    void set_extended(std::string_view path, std::string_view packed) override {
        const Step step{steps_, "set the extended attributes", whole(path)};
        real_->set_extended(path, packed);
    }
    void sync() override {
        const Step step{steps_, "sync", whole(".")};
        if (!steps_.no_syncs()) real_->sync();
    }
    void sync_file_system() override {
        const Step step{steps_, "sync the file system of", whole(".")};
        if (!steps_.no_syncs()) real_->sync_file_system();
    }

private:
    static os::Directory& own(os::Directory& directory) {
        const auto* faulty = dynamic_cast<FaultyDirectory*>(&directory);
        return faulty == nullptr ? directory : faulty->real();
    }

    std::string whole(std::string_view path) const {
        return path == "." ? real_->path() : real_->path() + "/" + std::string{path};
    }

    std::unique_ptr<os::Directory> real_;
    FaultSteps& steps_;
};

}  // namespace

std::unique_ptr<os::Directory> make_faulty(std::unique_ptr<os::Directory> real, FaultSteps& steps) {
    return std::make_unique<FaultyDirectory>(std::move(real), steps);
}

const os::Directory* behind(const os::Directory* directory) {
    const auto* faulty = dynamic_cast<const FaultyDirectory*>(directory);
    return faulty == nullptr ? directory : &faulty->real();
}

}  // namespace ft::test
