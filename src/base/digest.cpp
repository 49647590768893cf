#include "ft/base/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <xxhash.h>

#include <algorithm>
#include <variant>

#include "ft/base/error.h"

namespace ft::base {
namespace {

constexpr struct {
    DigestKind kind;
    std::string_view name;
    std::size_t size;
} kKinds[] = {{DigestKind::xxh128, "xxh128", 16}, {DigestKind::xxh3, "xxh3", 8},
              {DigestKind::xxh64, "xxh64", 8},    {DigestKind::md5, "md5", 16},
              {DigestKind::sha1, "sha1", 20},     {DigestKind::sha256, "sha256", 32},
              {DigestKind::sha512, "sha512", 64}};

const EVP_MD* openssl_kind(DigestKind kind) {
    switch (kind) {
        case DigestKind::md5:
            return EVP_md5();
        case DigestKind::sha1:
            return EVP_sha1();
        case DigestKind::sha256:
            return EVP_sha256();
        default:
            return EVP_sha512();
    }
}

/// The protocol's order: low half first, each little-endian.
Digest to_digest(XXH128_hash_t hash) {
    std::array<std::byte, 16> bytes;
    for (std::size_t i = 0; i < 8; ++i) {
        bytes[i] = static_cast<std::byte>(hash.low64 >> (8 * i));
        bytes[8 + i] = static_cast<std::byte>(hash.high64 >> (8 * i));
    }
    return Digest{bytes};
}
Digest to_digest(XXH64_hash_t hash) {
    std::array<std::byte, 8> bytes;
    for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::byte>(hash >> (8 * i));
    return Digest{bytes};
}

XXH64_hash_t extended(std::int32_t seed) {
    return static_cast<XXH64_hash_t>(static_cast<std::int64_t>(seed));
}

}  // namespace

std::string_view name_of(DigestKind kind) { return kKinds[static_cast<std::size_t>(kind)].name; }

std::optional<DigestKind> digest_kind(std::string_view name) {
    for (const auto& known : kKinds) {
        if (known.name == name) return known.kind;
    }
    return std::nullopt;
}

std::size_t digest_size(DigestKind kind) { return kKinds[static_cast<std::size_t>(kind)].size; }

Digest::Digest(std::span<const std::byte> bytes) : size_{static_cast<std::uint8_t>(bytes.size())} {
    if (bytes.size() > bytes_.size()) throw Error{ErrorKind::internal, "a digest above 64 bytes"};
    std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

std::string Digest::hex() const {
    std::string text;
    for (const std::byte b : bytes()) text += fmt::format("{:02x}", static_cast<unsigned>(b));
    return text;
}

bool Digest::operator==(const Digest& other) const {
    return std::equal(bytes().begin(), bytes().end(), other.bytes().begin(), other.bytes().end());
}

struct Hasher::State {
    DigestKind kind;
    std::int32_t seed;
    XXH3_state_t* xxh3 = nullptr;  // exactly one of these three
    XXH64_state_t* xxh64 = nullptr;
    EVP_MD_CTX* evp = nullptr;

    State(DigestKind k, std::int32_t s) : kind{k}, seed{s} {
        if (kind == DigestKind::xxh128 || kind == DigestKind::xxh3) {
            xxh3 = XXH3_createState();
        } else if (kind == DigestKind::xxh64) {
            xxh64 = XXH64_createState();
        } else {
            evp = EVP_MD_CTX_new();
        }
        if (xxh3 == nullptr && xxh64 == nullptr && evp == nullptr) throw std::bad_alloc{};
        restart();
    }
    ~State() {
        XXH3_freeState(xxh3);
        XXH64_freeState(xxh64);
        EVP_MD_CTX_free(evp);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void restart() {
        if (kind == DigestKind::xxh128) {
            XXH3_128bits_reset_withSeed(xxh3, extended(seed));
        } else if (kind == DigestKind::xxh3) {
            XXH3_64bits_reset_withSeed(xxh3, extended(seed));
        } else if (kind == DigestKind::xxh64) {
            XXH64_reset(xxh64, extended(seed));
        } else if (EVP_DigestInit_ex(evp, openssl_kind(kind), nullptr) != 1) {
            throw Error{ErrorKind::internal,
                        fmt::format("the digest {} is not available here", name_of(kind))};
        }
    }
};

Hasher::Hasher(DigestKind kind, std::int32_t seed) : state_{std::make_unique<State>(kind, seed)} {}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(std::span<const std::byte> data) {
    if (data.empty()) return;
    if (state_->kind == DigestKind::xxh128) {
        XXH3_128bits_update(state_->xxh3, data.data(), data.size());
    } else if (state_->kind == DigestKind::xxh3) {
        XXH3_64bits_update(state_->xxh3, data.data(), data.size());
    } else if (state_->kind == DigestKind::xxh64) {
        XXH64_update(state_->xxh64, data.data(), data.size());
    } else {
        EVP_DigestUpdate(state_->evp, data.data(), data.size());
    }
}

Digest Hasher::finish() {
    Digest result;
    if (state_->kind == DigestKind::xxh128) {
        result = to_digest(XXH3_128bits_digest(state_->xxh3));
    } else if (state_->kind == DigestKind::xxh3) {
        result = to_digest(XXH3_64bits_digest(state_->xxh3));
    } else if (state_->kind == DigestKind::xxh64) {
        result = to_digest(XXH64_digest(state_->xxh64));
    } else {
        std::array<std::byte, EVP_MAX_MD_SIZE> bytes;
        unsigned size = 0;
        EVP_DigestFinal_ex(state_->evp, reinterpret_cast<unsigned char*>(bytes.data()), &size);
        result = Digest{std::span{bytes}.first(size)};
    }
    state_->restart();
    return result;
}

Digest digest_of(DigestKind kind, std::span<const std::byte> data, std::int32_t seed) {
    if (kind == DigestKind::xxh128) {
        return to_digest(XXH3_128bits_withSeed(data.data(), data.size(), extended(seed)));
    }
    if (kind == DigestKind::xxh3) {
        return to_digest(XXH3_64bits_withSeed(data.data(), data.size(), extended(seed)));
    }
    if (kind == DigestKind::xxh64) return to_digest(XXH64(data.data(), data.size(), extended(seed)));
    Hasher hasher{kind};
    hasher.update(data);
    return hasher.finish();
}

}  // namespace ft::base
