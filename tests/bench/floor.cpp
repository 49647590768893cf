// What the kernel alone takes for a tree: `bench-floor scan|read DIRECTORY THREADS`.
// scan: getdents, and statx and listxattr of every object; read: the content of every file besides. Prints
// objects and bytes.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

/// The directories that wait; ends when all are done and none is being looked at, which could name more.
class Directories {
public:
    void add(std::string path) {
        {
            const std::lock_guard lock{mutex_};
            waiting_.push_back(std::move(path));
        }
        changed_.notify_one();
    }
    /// Each path that it gives out must be followed by done().
    std::optional<std::string> next() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return !waiting_.empty() || busy_ == 0; });
        if (waiting_.empty()) return {};
        std::string path = std::move(waiting_.back());
        waiting_.pop_back();
        ++busy_;
        return path;
    }
    void done() {
        {
            const std::lock_guard lock{mutex_};
            --busy_;
        }
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> waiting_;
    int busy_ = 0;
};

struct Count {
    std::atomic<long> objects{0};
    std::atomic<long> bytes{0};
};

[[noreturn]] void fail(const std::string& path) {
    throw std::runtime_error{path + ": " + std::strerror(errno)};
}

long read_whole(int directory, const char* name, const std::string& path, std::vector<char>& buffer) {
    const int file = ::openat(directory, name, O_RDONLY | O_NOATIME | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) fail(path);
    long total = 0;
    ssize_t got = 0;
    while ((got = ::read(file, buffer.data(), buffer.size())) > 0) total += got;
    ::close(file);
    if (got < 0) fail(path);
    return total;
}

void look_at(const std::string& path, bool reads, Directories& directories, Count& count,
             std::vector<char>& buffer) {
    DIR* const opened = ::opendir(path.c_str());
    if (opened == nullptr) fail(path);
    const int directory = ::dirfd(opened);
    char names[1024];
    while (const dirent* entry = ::readdir(opened)) {
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..") continue;
        const std::string full = path + "/" + entry->d_name;
        struct statx found {};
        if (::statx(directory, entry->d_name, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, STATX_BASIC_STATS,
                    &found) != 0) {
            fail(full);
        }
        if (::llistxattr(full.c_str(), names, sizeof names) < 0 && errno != ENOTSUP) fail(full);
        ++count.objects;
        if (S_ISDIR(found.stx_mode)) directories.add(full);
        if (reads && S_ISREG(found.stx_mode))
            count.bytes += read_whole(directory, entry->d_name, full, buffer);
    }
    ::closedir(opened);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc == 4 ? argv[1] : "";
    const int threads = argc == 4 ? std::atoi(argv[3]) : 0;
    if ((what != "scan" && what != "read") || threads < 1) {
        std::fputs("usage: bench-floor scan|read DIRECTORY THREADS\n", stderr);
        return 2;
    }
    Directories directories;
    directories.add(argv[2]);
    Count count;
    std::atomic<bool> failed{false};
    const auto work = [&] {
        std::vector<char> buffer(1 << 18);
        while (const auto path = directories.next()) {
            try {
                look_at(*path, what == "read", directories, count, buffer);
            } catch (const std::exception& error) {
                std::fprintf(stderr, "bench-floor: %s\n", error.what());
                failed = true;
            }
            directories.done();
        }
    };
    {
        std::vector<std::jthread> workers;
        for (int number = 0; number < threads; ++number) workers.emplace_back(work);
    }
    std::printf("%ld objects, %ld bytes\n", count.objects.load(), count.bytes.load());
    return failed ? 1 : 0;
}
