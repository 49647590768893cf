#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "ft/base/bytes.h"

namespace ft::test {

/// A source that gives `data` in pieces of at most `piece` bytes.
class Bytes : public base::ByteSource {
public:
    explicit Bytes(base::Bytes data, std::size_t piece = 65536);
    explicit Bytes(std::string_view data, std::size_t piece = 65536);
    std::size_t read_some(std::span<std::byte> into) override;
    std::size_t left() const { return data_.size() - at_; }

private:
    base::Bytes data_;
    std::size_t piece_;
    std::size_t at_ = 0;
};

/// Two ends of a connection in memory: what one writes the other reads, in pieces of at most `piece` bytes; a
/// writer waits while more than `room` bytes are unread. Destroying or shutting down an end is the other's
/// end of stream; its own blocked calls end with Error network. `cut_after`: after so many bytes in that
/// direction the connection is gone (Error network on both sides); 0: never.
struct PipeOptions {
    std::size_t piece = 65536;
    std::size_t room = 256 * 1024;
    std::uint64_t cut_after = 0;
};
std::pair<std::unique_ptr<base::Stream>, std::unique_ptr<base::Stream>> make_pipe(PipeOptions a_to_b = {},
                                                                                  PipeOptions b_to_a = {});

/// The whole file `name` of tests/data, as bytes; fails the test when it is missing.
base::Bytes read_data(const std::string& name);

}  // namespace ft::test
