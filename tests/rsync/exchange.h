#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ft/base/error.h"
#include "ft/rsync/pull.h"
#include "ft/rsync/serve.h"
#include "support/memory_disk.h"
#include "support/memory_machine.h"
#include "support/streams.h"

namespace ft::test {

/// What a test does with the bytes that one side writes, one call at a time.
using Tamper = std::function<void(std::string&)>;

/// Replaces `from` by `to`, as long, in what is written; at most `times` times.
inline Tamper replacing(std::string from, std::string to, int times = 1000) {
    return [=](std::string& data) mutable {
        for (std::size_t at = 0; times > 0 && (at = data.find(from, at)) != std::string::npos; --times) {
            data.replace(at, from.size(), to);
        }
    };
}

/// What one side said, and after how many bytes of the other: `first` bytes came before it had read `second`.
struct Said {
    std::string bytes;
    std::vector<std::pair<std::size_t, std::size_t>> after;

    /// What was said before anything was heard.
    std::string first() const {
        const auto heard =
            std::find_if(after.begin(), after.end(), [](auto& each) { return each.second > 0; });
        return heard == after.end() ? bytes : bytes.substr(0, heard->first);
    }
};

/// A stream whose written bytes pass a tamperer and are remembered.
class Tampered : public base::Stream {
public:
    Tampered(std::unique_ptr<base::Stream> inner, std::vector<Tamper> tampers)
        : inner_{std::move(inner)}, tampers_{std::move(tampers)} {}
    std::size_t read_some(std::span<std::byte> into) override {
        const std::size_t length = inner_->read_some(into);
        read_ += length;
        return length;
    }
    void write(std::span<const std::byte> data) override {
        std::string text{base::as_text(data)};
        for (Tamper& tamper : tampers_) tamper(text);
        said.after.emplace_back(said.bytes.size(), read_);
        said.bytes += text;
        inner_->write(base::as_bytes(text));
    }
    void flush() override { inner_->flush(); }
    void shut_down() noexcept override { inner_->shut_down(); }

    Said said;

private:
    std::unique_ptr<base::Stream> inner_;
    std::vector<Tamper> tampers_;
    std::atomic<std::size_t> read_{0};  // the destination reads and writes in two threads
};

/// A peer that says what was recorded. It listens only so far as not to answer before it was asked; who asks
/// for less than in the record gets the answers all the same, each after `patience`.
class Replayed : public base::Stream {
public:
    explicit Replayed(Said said, std::chrono::milliseconds patience = std::chrono::milliseconds{10})
        : said_{std::move(said)}, patience_{patience} {}
    explicit Replayed(std::string_view data) : Replayed{Said{std::string{data}, {}}} {}

    std::size_t read_some(std::span<std::byte> into) override {
        std::unique_lock lock{mutex_};
        while (next_ < said_.after.size() && said_.after[next_].first <= at_) {
            const std::size_t needed = said_.after[next_++].second;
            heard_more_.wait_for(lock, patience_, [&] { return heard_ >= needed || ended_; });
        }
        const std::size_t end = next_ < said_.after.size() ? said_.after[next_].first : said_.bytes.size();
        const std::size_t length = ended_ ? 0 : std::min({into.size(), end - at_, said_.bytes.size() - at_});
        std::copy_n(base::as_bytes(said_.bytes).begin() + static_cast<std::ptrdiff_t>(at_), length,
                    into.begin());
        at_ += length;
        return length;
    }
    void write(std::span<const std::byte> data) override {
        const std::lock_guard lock{mutex_};
        heard_ += data.size();
        heard_more_.notify_all();
    }
    void flush() override {}
    void shut_down() noexcept override {
        const std::lock_guard lock{mutex_};
        ended_ = true;
        heard_more_.notify_all();
    }

private:
    const Said said_;
    const std::chrono::milliseconds patience_;
    std::mutex mutex_;
    std::condition_variable heard_more_;
    std::size_t at_ = 0;
    std::size_t next_ = 0;  // of said_.after
    std::size_t heard_ = 0;
    bool ended_ = false;
};

/// Two machines with a tree in /data each, and what lies between them.
struct Exchange {
    Exchange(const Tree& theirs, const Tree& ours) {
        for (auto* disk : {&source, &destination}) disk->open("/")->create_directory("data");
        write_tree(*source.open("/data"), theirs);
        write_tree(*destination.open("/data"), ours);
        rules.exclude_path(base::RelPath{staging::kReservedDirectory});
        for (TableAccounts* table : {&source_machine.table, &destination_machine.table}) {
            table->users = {{"root", 0}};
            table->groups = {{"root", 0}};
        }
        options.module = "data";
        options.accounts = &destination_machine.table;
    }

    MemoryDisk source;
    MemoryDisk destination;
    MemoryMachine source_machine{source};
    MemoryMachine destination_machine{destination};
    tree::Rules rules;
    rsync::PullOptions options;
    std::string origin;  // of what is staged, and perhaps was by an earlier run
    bool module_live = true;
    std::optional<rsync::Credentials> credentials;  // what the source wants
    std::vector<Tamper> to_source;
    std::vector<Tamper> to_destination;
    std::size_t piece = 65536;
    std::uint64_t cut_source = 0;  // the connection is gone after so many bytes of this side; 0: never
    std::uint64_t cut_destination = 0;

    rsync::Pulled pulled;
    rsync::Served served;
    std::string pull_error;
    std::optional<base::ErrorKind> pull_error_kind;
    std::string serve_error;
    staging::ChangeList changes;
    std::function<void()> before_commit = [] {};
    Said said_by_source;
    Said said_by_destination;

    rsync::ServeOptions serve_options(const os::Directory& root) {
        return {.modules = {{.name = "data",
                             .comment = "the data",
                             .root = &root,
                             .rules = &rules,
                             .live = module_live}},
                .accounts = &source_machine.table,
                .credentials = credentials,
                .fill_random = [](std::span<std::byte> into) {
                    std::fill(into.begin(), into.end(), std::byte{7});
                }};
    }

    /// One pull, and its changes applied to the live tree. True when the pull succeeded.
    bool run() {
        auto [one, other] = make_pipe({.piece = piece, .cut_after = cut_source},
                                      {.piece = piece, .cut_after = cut_destination});
        Tampered server{std::move(one), to_destination};
        Tampered client{std::move(other), to_source};
        std::thread serving{[&] {
            try {
                const auto root = source.open("/data");
                base::Progress progress;
                base::Cancellation cancellation;
                served = rsync::serve(server, serve_options(*root), progress, cancellation);
            } catch (const base::Error& error) {
                serve_error = error.what();
            }
            server.shut_down();
        }};
        pull(client);
        if (pull_error.empty()) hear_goodbye(client);
        client.shut_down();
        serving.join();
        said_by_source = server.said;
        said_by_destination = client.said;
        return pull_error.empty();
    }

    /// What a pull has not waited for.
    static void hear_goodbye(base::Stream& stream) {
        base::Bytes heard(100);
        while (stream.read_some(heard) > 0) continue;
    }

    void pull(base::Stream& stream) {
        pull_error.clear();
        pull_error_kind.reset();
        const auto live = destination.open("/data");
        staging::Staging staging{*live, staging::open_reserved(*live), {}, origin};
        base::Progress progress;
        base::Cancellation cancellation;
        if (!origin.empty()) staging.check_earlier(progress, cancellation);
        try {
            pulled = rsync::pull(stream, *live, rules, staging, options, progress, cancellation);
            changes = staging.finish();
            before_commit();
            apply(*live);
        } catch (const base::Error& error) {
            pull_error = error.what();
            pull_error_kind = error.kind();
        }
        staging::free_staged(*live);
    }

    /// What a commit does, without its journal.
    void apply(os::Directory& live) {
        using staging::MoveKind;
        const auto each = [&](MoveKind kind, const auto& action) {
            for (const staging::Move& move : changes.moves) {
                if (move.kind == kind)
                    action(move.path.bytes(), staging::slot_path(changes.generation, move.slot));
            }
        };
        each(MoveKind::remove, [&](auto& path, auto slot) { live.rename(path, live, slot); });
        each(MoveKind::replace, [&](auto& path, auto slot) { live.exchange(slot, live, path); });
        each(MoveKind::place, [&](auto& path, auto slot) { live.rename(slot, live, path); });
        for (const staging::Setting& setting : changes.settings) {
            live.set_attributes(setting.path.bytes(), staging::Setting::attributes(setting.after));
            const auto* const extended = changes.extended.find(setting.extended);
            if (extended != nullptr) live.set_extended(setting.path.bytes(), extended->after);
        }
    }

    Tree theirs() { return read_tree(*source.open("/data")); }
    Tree ours() { return read_tree(*destination.open("/data")); }
};

inline TreeObject file(std::string content, std::int64_t mtime = 1'700'000'000, std::uint32_t mode = 0644,
                       std::uint32_t owner = 0) {
    return {base::FileType::regular, {mode, owner, owner, {mtime, 0}}, std::move(content)};
}
inline TreeObject directory(std::int64_t mtime = 1'700'000'000, std::uint32_t mode = 0755) {
    return {base::FileType::directory, {mode, 0, 0, {mtime, 0}}, ""};
}
inline TreeObject link(std::string target, std::int64_t mtime = 1'700'000'000) {
    return {base::FileType::symlink, {0, 0, 0, {mtime, 0}}, std::move(target)};
}
inline TreeObject device(std::string numbers) {
    return {base::FileType::block_device, {0660, 0, 6, {1'700'000'000, 0}}, std::move(numbers)};
}
inline TreeObject fifo() { return {base::FileType::fifo, {0600, 0, 0, {1'700'000'000, 0}}, ""}; }

/// Bytes that do not repeat.
inline std::string noise(std::size_t length, std::uint32_t seed = 1) {
    std::string data;
    for (; data.size() < length; data += static_cast<char>(seed >> 24)) seed = seed * 1664525 + 1013904223;
    return data;
}

}  // namespace ft::test
