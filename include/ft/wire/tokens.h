#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ft/base/bytes.h"
#include "ft/wire/reader.h"
#include "ft/wire/sum_head.h"

namespace ft::wire {

/// Writes a file's tokens, uncompressed.
class TokenWriter {
public:
    explicit TokenWriter(base::ByteSink& sink) : sink_{&sink} {}  ///< refers to `sink`
    /// Literal bytes, cut into runs of at most 32768.
    void literal(std::span<const std::byte> data);
    /// Block `index` of the basis file.
    void block(std::int32_t index);
    /// The file's end; its whole-file checksum follows.
    void end();

private:
    base::ByteSink* sink_;
};

struct Token {
    enum class Kind { literal, block, end };
    Kind kind = Kind::end;
    std::span<const std::byte> data{};  ///< of literals: a piece of the run, valid until the next read
    std::int32_t block = 0;             ///< of blocks: index in the basis file
};

/// Reads a file's tokens. Error peer: a block that `head` does not have, more than `most` bytes in all.
class TokenReader {
public:
    TokenReader(Reader& in, const SumHead& head, std::uint64_t most) : in_{&in}, head_{head}, room_{most} {}
    Token next();

private:
    void take(std::uint64_t length);

    Reader* in_;
    SumHead head_;
    std::uint64_t room_;
    std::uint32_t run_ = 0;  // literal bytes of the current run that were not given yet
};

}  // namespace ft::wire
