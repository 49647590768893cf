#include "ft/wire/tokens.h"

#include <fmt/format.h>

#include <algorithm>

#include "ft/wire/writer.h"

namespace ft::wire {
namespace {

constexpr std::size_t kLongestRun = 32768;

void write_number(base::ByteSink& sink, std::int32_t number) {
    Writer token;
    token.int32(number);
    sink.write(token.written());
}

}  // namespace

void TokenWriter::literal(std::span<const std::byte> data) {
    while (!data.empty()) {
        const auto run = data.first(std::min(data.size(), kLongestRun));
        write_number(*sink_, static_cast<std::int32_t>(run.size()));
        sink_->write(run);
        data = data.subspan(run.size());
    }
}

void TokenWriter::block(std::int32_t index) { write_number(*sink_, -index - 1); }
void TokenWriter::end() { write_number(*sink_, 0); }

Token TokenReader::next() {
    if (run_ == 0) {
        const std::int32_t number = in_->int32("token");
        if (number == 0) return {};
        if (number < 0) {
            const std::int32_t index = -(number + 1);
            if (index >= head_.count) throw out_of_range("block reference", index, 0, head_.count - 1);
            take(head_.length_of(index));
            return {.kind = Token::Kind::block, .block = index};
        }
        run_ = static_cast<std::uint32_t>(number);
        take(run_);
    }
    const auto piece = in_->piece("literal data", run_);
    run_ -= static_cast<std::uint32_t>(piece.size());
    return {.kind = Token::Kind::literal, .data = piece};
}

void TokenReader::take(std::uint64_t length) {
    if (length > room_)
        throw malformed("file data", fmt::format("is {} bytes longer than allowed", length - room_));
    room_ -= length;
}

}  // namespace ft::wire
