#include "ft/base/log.h"

#include <fcntl.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <memory>
#include <mutex>

namespace ft::base {
namespace {

/// Appends to a descriptor. Not spdlog's file sink: that one follows a planted link and hands its file to
/// children.
class LogFile final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    explicit LogFile(int number) : number_{number} {}
    ~LogFile() override { ::close(number_); }

private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        // One call a line: a disk that fills up tears a line, but never ends a run through its log.
        if (::write(number_, line.data(), line.size()) < 0) return;
    }
    void flush_() override {}

    int number_;
};

std::mutex& log_mutex() {
    static std::mutex mutex;
    return mutex;
}

std::shared_ptr<spdlog::logger>& logger() {
    static std::shared_ptr<spdlog::logger> instance;
    return instance;
}

spdlog::level::level_enum level_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
    }
    return spdlog::level::err;
}

}  // namespace

void open_log(const std::string& path) {
    const std::lock_guard lock{log_mutex()};
    logger().reset();
    const int number =
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    if (number < 0) return;
    logger() = std::make_shared<spdlog::logger>("ft", std::make_shared<LogFile>(number));
    logger()->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    logger()->set_error_handler([](const std::string&) {});
}

void close_log() {
    const std::lock_guard lock{log_mutex()};
    logger().reset();
}

void write_log(LogLevel level, std::string_view line) {
    const std::lock_guard lock{log_mutex()};
    if (logger()) logger()->log(level_of(level), "{}", line);
}

}  // namespace ft::base
