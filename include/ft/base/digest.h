#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ft::base {

/// The checksums that we know; the xx ones and md5 for content, the sha ones and md5 for a daemon's
/// challenge.
enum class DigestKind : std::uint8_t { xxh128, xxh3, xxh64, md5, sha1, sha256, sha512 };

/// The field's name: "xxh128", "md5", ...
std::string_view name_of(DigestKind kind);
std::optional<DigestKind> digest_kind(std::string_view name);
/// Bytes of a digest: 16 for xxh128 and md5, 8 for xxh3 and xxh64.
std::size_t digest_size(DigestKind kind);

/// A checksum value of 0 to 64 bytes; the xx ones in the byte order of the rsync protocol (little-endian, of
/// xxh128 the low half first).
class Digest {
public:
    Digest() = default;
    explicit Digest(std::span<const std::byte> bytes);  ///< at most 64 bytes
    std::span<const std::byte> bytes() const { return {bytes_.data(), size_}; }
    std::string hex() const;
    bool operator==(const Digest& other) const;

private:
    std::array<std::byte, 64> bytes_{};
    std::uint8_t size_ = 0;
};

/// Digests a stream. `seed` is used by the xx ones only (sign-extended, as the protocol wants it).
class Hasher {
public:
    explicit Hasher(DigestKind kind, std::int32_t seed = 0);
    ~Hasher();
    Hasher(Hasher&&) noexcept;
    Hasher& operator=(Hasher&&) noexcept;
    void update(std::span<const std::byte> data);
    /// The digest of all that was given; the next update starts a new stream.
    Digest finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

Digest digest_of(DigestKind kind, std::span<const std::byte> data, std::int32_t seed = 0);

}  // namespace ft::base
