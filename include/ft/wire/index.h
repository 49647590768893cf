#pragma once

#include <cstdint>

#include "ft/wire/reader.h"
#include "ft/wire/writer.h"

namespace ft::wire {

constexpr std::int32_t kDone = -1;         ///< end of a phase or list
constexpr std::int32_t kFlistEof = -2;     ///< incremental recursion: no more lists
constexpr std::int32_t kDeleteStats = -3;  ///< deletion statistics follow
constexpr std::int32_t kFlistOffset =
    -101;  ///< incremental recursion: kFlistOffset - directory, a list follows

/// File indices coded as differences; one for each direction and session.
class IndexReader {
public:
    /// 0 to `entries` - 1, kDone or kDeleteStats; with `incremental` also kFlistEof and kFlistOffset and
    /// below. Error peer for anything else, encodings that are not the shortest included.
    std::int32_t read(Reader& in, std::int32_t entries, bool incremental = false);

private:
    std::int32_t positive_ = -1;
    std::int32_t negative_ = 1;
};

class IndexWriter {
public:
    void write(Writer& out, std::int32_t index);

private:
    std::int32_t positive_ = -1;
    std::int32_t negative_ = 1;
};

}  // namespace ft::wire
