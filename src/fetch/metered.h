#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>

#include "fetch/route.h"
#include "ft/base/bytes.h"
#include "ft/base/progress.h"
#include "ft/transport/connection.h"

namespace ft::fetch {

/// How far the attempts of one pull came: it grows only when one comes further than all before it. Written by
/// the pull, read by any thread.
class Reach {
public:
    /// Entries of the file list that one attempt received.
    void listed(std::uint64_t entries) { listed_ = std::max<std::uint64_t>(listed_, entries); }
    /// Bytes that lie in staging, those of incomplete files too.
    void staged(std::uint64_t bytes) { staged_ = std::max<std::uint64_t>(staged_, bytes); }
    std::uint64_t sum() const { return listed_ + staged_; }

private:
    std::atomic<std::uint64_t> listed_{0};
    std::atomic<std::uint64_t> staged_{0};
};

/// Connects, and counts what goes over the connection, also when the pull fails; then what is still wanted is
/// unknown until the next attempt compares again.
class Metered : public base::Stream {
public:
    /// All is referred to. Errors as transport::connect.
    Metered(const Route& route, base::Progress& progress, Reach& reach, std::uint64_t& received,
            std::uint64_t& sent);
    ~Metered() override;
    Metered(const Metered&) = delete;
    Metered& operator=(const Metered&) = delete;
    /// The pull has all that it needs: nobody uses this any more.
    void done();

    std::size_t read_some(std::span<std::byte> into) override;
    void write(std::span<const std::byte> data) override { connection_->write(data); }
    void flush() override { connection_->flush(); }
    void shut_down() noexcept override { connection_->shut_down(); }

private:
    void count();

    std::unique_ptr<transport::Connection> connection_;
    Goodbyes& goodbyes_;
    std::atomic<bool>& heard_;
    base::Progress& progress_;
    const std::uint64_t listed_before_;
    Reach& reach_;
    std::uint64_t& received_;
    std::uint64_t& sent_;
};

}  // namespace ft::fetch
