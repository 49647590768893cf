#include "rsync/match.h"

#include <catch2/catch.hpp>
#include <random>

#include "ft/wire/reader.h"
#include "support/streams.h"

using namespace ft;
using base::DigestKind;

namespace {

constexpr std::size_t kBlock = 512;
constexpr std::int32_t kDigestBytes = 16;

base::Bytes noise(std::size_t size, unsigned seed) {
    std::mt19937 random{seed};
    base::Bytes data(size);
    for (std::byte& each : data) each = static_cast<std::byte>(random());
    return data;
}

class ContentFile : public os::File {
public:
    explicit ContentFile(base::Bytes content) : content_{std::move(content)} {}
    std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
        const std::size_t length = std::min<std::size_t>(into.size(), content_.size() - offset);
        std::copy_n(content_.begin() + static_cast<std::ptrdiff_t>(offset), length, into.begin());
        return length;
    }
    os::Status status() const override { return {.size = content_.size(), .allocated = content_.size()}; }
    void write_at(std::uint64_t, std::span<const std::byte>) override {}
    void set_size(std::uint64_t) override {}
    void set_attributes(const os::Attributes&) override {}
    void set_extended(std::string_view) override {}
    void sync() override {}

private:
    base::Bytes content_;
};

class Collected : public base::ByteSink {
public:
    void write(std::span<const std::byte> data) override {
        bytes.insert(bytes.end(), data.begin(), data.end());
    }
    void flush() override {}
    base::Bytes bytes;
};

wire::StrongSum strong_sum() { return {DigestKind::xxh128, 7, true}; }

/// Sends `content` to who has `basis`; what the tokens make of that must be `content`.
rsync::SentContent sent(const base::Bytes& basis, const base::Bytes& content) {
    wire::StrongSum strong = strong_sum();
    const wire::SumHead head = wire::choose_blocks(basis.size(), kDigestBytes, kBlock);
    wire::Writer sums;
    wire::write_sum_head(sums, head);
    for (std::int32_t block = 0; block < head.count; ++block) {
        wire::write_block_sum(
            sums, head,
            wire::block_sum(strong, head, {basis.data() + head.offset_of(block), head.length_of(block)}));
    }
    test::Bytes request{base::Bytes{sums.written().begin(), sums.written().end()}};
    wire::Reader in{request};
    Collected out;
    wire::TokenWriter tokens{out};
    const ContentFile file{content};
    const rsync::SentContent result = rsync::send_content(
        file, file.status(), rsync::BlockSums{in, kDigestBytes}, strong, DigestKind::xxh128, tokens, [] {});

    test::Bytes answer{out.bytes};
    wire::Reader reader{answer};
    wire::TokenReader read{reader, head, std::uint64_t{1} << 40};
    base::Bytes made;
    for (auto token = read.next(); token.kind != wire::Token::Kind::end; token = read.next()) {
        const bool block = token.kind == wire::Token::Kind::block;
        const std::span<const std::byte> piece =
            block ? std::span{basis}.subspan(head.offset_of(token.block), head.length_of(token.block))
                  : token.data;
        made.insert(made.end(), piece.begin(), piece.end());
    }
    CHECK(made == content);
    CHECK(result.digest == base::digest_of(DigestKind::xxh128, content, 0));
    CHECK(result.literal + result.matched == content.size());
    return result;
}

}  // namespace

TEST_CASE("pages that were written where they stood are all that is sent", "[rsync]") {
    const base::Bytes basis = noise(3'000'123, 1);
    base::Bytes content = basis;
    const auto blocks = basis.size() / kBlock;
    // Alone, side by side, at both ends, at the end of what is read at once.
    const std::size_t changed[] = {0, 7, 100, 101, 102, 511, 512, 1023, blocks - 1, blocks};
    for (const std::size_t block : changed) content[block * kBlock + 3] ^= std::byte{1};
    CHECK(sent(basis, content).literal == 9 * kBlock + basis.size() % kBlock);
}

TEST_CASE("what was inserted moves the blocks behind it", "[rsync]") {
    const base::Bytes basis = noise(1'000'000, 2);
    base::Bytes content = basis;
    const base::Bytes more = noise(700, 3);
    content.insert(content.begin() + 1000, more.begin(), more.end());
    CHECK(sent(basis, content).literal == more.size() + kBlock);
    CHECK(sent(content, basis).literal <= 2 * kBlock);
}

TEST_CASE("any change of a file arrives", "[rsync]") {
    std::mt19937 random{GENERATE(range(0u, 40u))};
    const auto below = [&](std::size_t most) { return static_cast<std::ptrdiff_t>(random() % (most + 1)); };
    const base::Bytes basis = noise(static_cast<std::size_t>(below(600'000)), random());
    base::Bytes content = basis;
    for (auto edits = below(20); edits > 0; --edits) {
        const auto at = below(content.size());
        const auto length = std::min(below(3 * kBlock), static_cast<std::ptrdiff_t>(content.size()) - at);
        const base::Bytes other = noise(static_cast<std::size_t>(below(3 * kBlock)), random());
        if (random() % 2 == 0) content.erase(content.begin() + at, content.begin() + at + length);
        content.insert(content.begin() + std::min(at, static_cast<std::ptrdiff_t>(content.size())),
                       other.begin(), other.end());
    }
    sent(basis, content);
}
