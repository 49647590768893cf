#include "ft/base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <memory>
#include <mutex>

namespace ft::base {
namespace {

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
    const mode_t before = ::umask(0077);
    try {
        logger() = std::make_shared<spdlog::logger>("ft", std::make_shared<spdlog::sinks::basic_file_sink_mt>(path));
        logger()->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
        logger()->flush_on(spdlog::level::info);
        // A disk that fills up must not end a run through its log.
        logger()->set_error_handler([](const std::string&) {});
    } catch (const spdlog::spdlog_ex&) {
        logger().reset();
    }
    ::umask(before);
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
