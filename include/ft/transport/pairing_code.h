#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace ft::transport {

/// The secret that a source prints and a destination is told: 128 random bits.
///
/// Written as seven groups of four base32 letters and digits that cannot be mistaken for each other
/// (Crockford's alphabet: no I, L, O, U; read in any case, with O as 0, I and L as 1, spaces and hyphens
/// anywhere). The last 12 bits are a check that finds every wrong character and every swap of two neighbours.
class PairingCode {
public:
    static PairingCode generate(const std::function<void(std::span<std::byte>)>& fill_random);
    /// Error usage: wrong length, a character that no code has, or a check that does not fit; never shows
    /// `text`.
    static PairingCode parse(std::string_view text);

    std::string text() const;
    /// The TLS pre-shared key: HKDF-SHA256 of the 16 bytes, empty salt, info "ft/1 source".
    std::array<std::byte, 32> key() const;
    bool operator==(const PairingCode&) const = default;

private:
    std::array<std::byte, 16> bits_{};
};

}  // namespace ft::transport
