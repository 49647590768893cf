#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "ft/base/bytes.h"
#include "ft/wire/compression.h"
#include "ft/wire/reader.h"
#include "ft/wire/sum_head.h"

namespace ft::wire {

/// Writes a file's tokens.
class TokenWriter {
public:
    /// Refers to `sink`, and to `compressor`, the session's; null: uncompressed.
    explicit TokenWriter(base::ByteSink& sink, Compressor* compressor = nullptr);
    /// Literal bytes; uncompressed, they are cut into runs of at most 32768.
    void literal(std::span<const std::byte> data);
    /// Block `index` of the basis file, and what is in it.
    void block(std::int32_t index, std::span<const std::byte> content);
    /// The file's end; its whole-file checksum follows.
    void end();

private:
    void end_run();
    void write_blocks();

    base::ByteSink* sink_;
    Compressor* compressor_;
    // Compressed streams name neighbouring blocks at once.
    std::int32_t first_ = 0;
    std::int32_t count_ = 0;
    std::int32_t last_ = 0;  // block that was named last
    bool in_run_ = false;    // of literal bytes
};

struct Token {
    enum class Kind { literal, block, end };
    Kind kind = Kind::end;
    std::span<const std::byte> data{};  ///< of literals: a piece of the run, valid until the next read
    std::int32_t block = 0;             ///< of blocks: index in the basis file
};

/// Reads a file's tokens. Error peer: a block that `head` does not have, more than `most` bytes in all, what
/// is no compressed data, many chunks that bring nothing.
class TokenReader {
public:
    /// Refers to `in`, and to `decompressor`, the session's; null: uncompressed.
    TokenReader(Reader& in, const SumHead& head, std::uint64_t most, Decompressor* decompressor = nullptr);
    Token next();

private:
    Token next_plain();
    Token next_compressed();
    Token name_blocks(std::uint8_t flag);
    void read_chunk(std::uint8_t flag);
    Token named(std::int32_t index);
    void take(std::uint64_t length);

    Reader* in_;
    SumHead head_;
    std::uint64_t room_;
    std::uint32_t run_ = 0;  // literal bytes of the current run that were not given yet
    Decompressor* decompressor_;
    std::int32_t last_ = 0;               // block that was named last
    std::int32_t blocks_ = 0;             // blocks after it that were named and not given yet
    bool in_run_ = false;                 // the last byte was of a chunk
    int idle_ = 0;                        // chunks in a row that brought nothing
    std::optional<std::uint8_t> flag_{};  // what follows a run, read before its last pieces were taken
};

}  // namespace ft::wire
