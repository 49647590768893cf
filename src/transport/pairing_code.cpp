#include "ft/transport/pairing_code.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include "ft/base/error.h"

namespace ft::transport {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr unsigned kCharacterBits = 5;
constexpr unsigned kCheckBits = 12;
constexpr std::size_t kCharacters = (128 + kCheckBits) / kCharacterBits;
constexpr std::size_t kGroup = 4;

// x^12 + x^11 + x^3 + x^2 + x + 1. A cyclic code finds every error within 12 neighbouring bits: that covers
// one wrong character (5) and two swapped ones (10) without exception.
constexpr std::uint32_t kPolynomial = 0x80f;

/// 0 to 31, or nothing for what no code has.
std::optional<std::uint32_t> value_of(char character) {
    if (character >= 'a' && character <= 'z') character = static_cast<char>(character - 'a' + 'A');
    if (character == 'O') character = '0';
    if (character == 'I' || character == 'L') character = '1';
    const std::size_t at = kAlphabet.find(character);
    if (at == std::string_view::npos) return std::nullopt;
    return static_cast<std::uint32_t>(at);
}

std::uint32_t check_of(std::span<const std::byte> secret) {
    std::uint32_t remainder = 0;
    for (const std::byte byte : secret) {
        for (int bit = 7; bit >= 0; --bit) {
            const std::uint32_t next = std::to_integer<std::uint32_t>(byte) >> bit & 1;
            const bool divides = (remainder >> (kCheckBits - 1)) != next;
            remainder = (remainder << 1 & 0xfff) ^ (divides ? kPolynomial : 0);
        }
    }
    return remainder;
}

base::Error mistyped(const std::string& what) {
    return {base::ErrorKind::usage, "the pairing code " + what, "Type it again as the source shows it."};
}

}  // namespace

PairingCode PairingCode::generate(const std::function<void(std::span<std::byte>)>& fill_random) {
    PairingCode code;
    fill_random(code.bits_);
    return code;
}

PairingCode PairingCode::parse(std::string_view text) {
    PairingCode code;
    std::size_t count = 0;
    std::size_t filled = 0;     // bytes of the secret
    std::uint32_t pending = 0;  // the latest bits; those beyond `held` are done with
    unsigned held = 0;
    for (const char character : text) {
        if (std::string_view{" \t\r\n-"}.find(character) != std::string_view::npos) continue;
        const auto value = value_of(character);
        if (!value) throw mistyped("holds a character that no code has");
        if (++count > kCharacters)
            throw mistyped("is longer than " + std::to_string(kCharacters) + " characters");
        pending = pending << kCharacterBits | *value;
        held += kCharacterBits;
        if (held >= 8 && filled < code.bits_.size()) {
            held -= 8;
            code.bits_[filled++] = static_cast<std::byte>(pending >> held & 0xff);
        }
    }
    if (count < kCharacters) {
        throw mistyped("has " + std::to_string(count) + " of " + std::to_string(kCharacters) + " characters");
    }
    if ((pending & 0xfff) != check_of(code.bits_)) throw mistyped("has a typing error");
    return code;
}

std::string PairingCode::text() const {
    std::string text;
    std::uint32_t pending = 0;
    unsigned held = 0;
    std::size_t count = 0;
    const auto append = [&](std::uint32_t value, unsigned bits) {
        pending = pending << bits | value;
        for (held += bits; held >= kCharacterBits;) {
            held -= kCharacterBits;
            if (count > 0 && count % kGroup == 0) text += '-';
            text += kAlphabet[pending >> held & 31];
            ++count;
        }
    };
    for (const std::byte byte : bits_) append(std::to_integer<std::uint32_t>(byte), 8);
    append(check_of(bits_), kCheckBits);
    return text;
}

std::array<std::byte, 32> PairingCode::key() const {
    const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf{EVP_KDF_fetch(nullptr, "HKDF", nullptr),
                                                                EVP_KDF_free};
    const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context{EVP_KDF_CTX_new(kdf.get()),
                                                                            EVP_KDF_CTX_free};
    auto secret = bits_;
    char digest[] = "SHA256";
    // The role is part of the key: a connection that is relayed back to its sender does not fit
    // (docs/protocol.md).
    char info[] = "ft/1 source";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof info - 1),
        OSSL_PARAM_construct_end(),
    };
    std::array<std::byte, 32> key{};
    if (context == nullptr || EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(key.data()),
                                             key.size(), parameters) != 1) {
        throw base::Error{base::ErrorKind::internal, "OpenSSL has no HKDF with SHA-256"};
    }
    return key;
}

}  // namespace ft::transport
