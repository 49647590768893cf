#include "transport/tls_session.h"

#include <openssl/err.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "ft/base/error.h"

namespace ft::transport {
namespace {

using base::Error;
using base::ErrorKind;

constexpr std::string_view kIdentity = "ft/1";
constexpr const char* kCipherSuites = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";
// Four full records: enough to make locks and system calls rare.
constexpr std::size_t kCollect = 4 * 16384;
// What TLS may want to answer between two writes: some thousand key updates.
constexpr std::size_t kAnswersAtMost = 64 * 1024;

using Key = std::array<std::byte, 32>;

const unsigned char* as_unsigned(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

/// TLS answers with a handshake or an alert record.
bool is_tls(std::byte first) { return first == std::byte{0x16} || first == std::byte{0x15}; }

Error no_ft(const std::string& what) {
    return {ErrorKind::stranger, what + ": it is no ft source",
            "Check address and port, and that `ft migrate --source` runs there."};
}

/// The earliest entry of OpenSSL's queue in our words; empties the queue.
Error failure() {
    const unsigned long code = ERR_get_error();
    const char* text = ERR_reason_error_string(code);
    ERR_clear_error();
    switch (ERR_GET_REASON(code)) {
        // What a server says of a wrong key (illegal parameter: OpenSSL; decrypt error: RFC 8446), or we of
        // its.
        case SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER:
        case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
        case SSL_AD_REASON_OFFSET + SSL_AD_UNKNOWN_PSK_IDENTITY:
            return {ErrorKind::stranger, "the pairing code does not fit",
                    "Use the code that `ft migrate --source` shows there now."};
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
            return no_ft("what answers speaks TLS without ft's pre-shared key");
        case SSL_R_BINDER_DOES_NOT_VERIFY:
            return {ErrorKind::network, "wrong pairing code"};
        case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        case SSL_R_NO_SHARED_CIPHER:
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_NO_APPLICATION_PROTOCOL:
            return {ErrorKind::network, "TLS without ft's pre-shared key"};
        default:
            return {ErrorKind::network,
                    std::string{"TLS failed: "} + (text == nullptr ? "unknown reason" : text)};
    }
}

/// OpenSSL's form of a pre-shared key. Null when memory ends.
SSL_SESSION* make_session(SSL* ssl, std::span<const std::byte> key) {
    static constexpr unsigned char kAes128GcmSha256[] = {0x13, 0x01};
    std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)> session{SSL_SESSION_new(), SSL_SESSION_free};
    const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl, kAes128GcmSha256);
    const auto* bytes = reinterpret_cast<const unsigned char*>(key.data());
    if (session == nullptr || cipher == nullptr ||
        SSL_SESSION_set1_master_key(session.get(), bytes, key.size()) != 1 ||
        SSL_SESSION_set_cipher(session.get(), cipher) != 1 ||
        SSL_SESSION_set_protocol_version(session.get(), TLS1_3_VERSION) != 1) {
        return nullptr;
    }
    // By the wall clock, which may jump in the middle of a handshake.
    SSL_SESSION_set_timeout(session.get(), std::numeric_limits<std::int32_t>::max());
    return session.release();
}

const Key& key_of(SSL* ssl) { return *static_cast<const Key*>(SSL_get_app_data(ssl)); }

int use_key(SSL* ssl, const EVP_MD*, const unsigned char** identity, std::size_t* length,
            SSL_SESSION** session) {
    *identity = as_unsigned(kIdentity);
    *length = kIdentity.size();
    *session = make_session(ssl, key_of(ssl));
    return *session != nullptr ? 1 : 0;
}

int find_key(SSL* ssl, const unsigned char* identity, std::size_t length, SSL_SESSION** session) {
    Key key = key_of(ssl);
    // An unknown identity gets a key that nobody has, so that it fails as a wrong key does.
    if (std::string_view{reinterpret_cast<const char*>(identity), length} != kIdentity &&
        RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) != 1) {
        return 0;
    }
    *session = make_session(ssl, key);
    return *session != nullptr ? 1 : 0;
}

/// ALPN's form of a list: each name after its length.
std::string listed(std::string_view name) { return static_cast<char>(name.size()) + std::string{name}; }

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* offered,
                    unsigned offered_length, void*) {
    static const std::string known = listed(kControlProtocol) + listed(kRsyncProtocol);
    unsigned char* selected = nullptr;
    const int found = SSL_select_next_proto(&selected, out_length, as_unsigned(known),
                                            static_cast<unsigned>(known.size()), offered, offered_length);
    *out = selected;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool prepare_client(SSL_CTX* context, std::string_view protocol) {
    const std::string offer = listed(protocol);
    // A certificate proves nothing here: no authority is known, so a server that shows one fails.
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_psk_use_session_callback(context, use_key);
    return SSL_CTX_set_alpn_protos(context, as_unsigned(offer), static_cast<unsigned>(offer.size())) == 0;
}

bool prepare_server(SSL_CTX* context) {
    SSL_CTX_set_psk_find_session_callback(context, find_key);
    SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
    return SSL_CTX_set_num_tickets(context, 0) == 1;
}

}  // namespace

TlsSession::TlsSession(base::Stream& below, Role role, const Key& key, std::string_view protocol)
    : below_{below},
      role_{role},
      key_{key},
      protocol_{protocol},
      context_{SSL_CTX_new(role == Role::client ? TLS_client_method() : TLS_server_method()), SSL_CTX_free},
      ssl_{nullptr, SSL_free},
      incoming_(kCollect) {
    SSL_CTX* context = context_.get();
    const bool ready = context != nullptr && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                       SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
                       SSL_CTX_set_ciphersuites(context, kCipherSuites) == 1 &&
                       (role == Role::client ? prepare_client(context, protocol) : prepare_server(context));
    if (ready) {
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        ssl_.reset(SSL_new(context));
    }
    if (ssl_ == nullptr) throw Error{ErrorKind::internal, "OpenSSL cannot prepare TLS 1.3"};
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(ssl_.get()), -1);
    SSL_set_app_data(ssl_.get(), &key_);
    role == Role::client ? SSL_set_connect_state(ssl_.get()) : SSL_set_accept_state(ssl_.get());
}

void TlsSession::handshake(const std::function<void()>& before_wait) {
    for (;;) {
        ERR_clear_error();
        const int result = SSL_do_handshake(ssl_.get());
        const bool waits = result != 1 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
        if (result != 1 && !waits) {
            const Error error = failure();
            // The alert tells the other side why; whether it arrives changes nothing.
            try {
                flush();
            } catch (const Error&) {
            }
            throw error;
        }
        flush();
        if (!waits) break;
        before_wait();
        receive();
    }
    check_agreed();
}

void TlsSession::check_agreed() {
    const unsigned char* name = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &length);
    const std::string agreed{reinterpret_cast<const char*>(name), length};
    // "Reused" is OpenSSL's word for a handshake by pre-shared key.
    const bool proved =
        SSL_session_reused(ssl_.get()) == 1 && SSL_get0_peer_certificate(ssl_.get()) == nullptr;
    if (role_ == Role::client && (!proved || agreed != protocol_)) {
        throw no_ft("what answers speaks TLS without ft's pre-shared key");
    }
    if (!proved || agreed.empty())
        throw Error{ErrorKind::network, "TLS without ft's pre-shared key or protocol"};
    protocol_ = agreed;
}

bool TlsSession::wait() {
    std::array<std::byte, 1> first;
    return take(SSL_peek_ex, first) > 0;
}

std::size_t TlsSession::take(int (*from)(SSL*, void*, std::size_t, std::size_t*), std::span<std::byte> into) {
    for (;;) {
        {
            const std::lock_guard lock{mutex_};
            ERR_clear_error();
            std::size_t length = 0;
            const int result = from(ssl_.get(), into.data(), into.size(), &length);
            if (BIO_ctrl_pending(SSL_get_wbio(ssl_.get())) > kAnswersAtMost) {
                throw Error{ErrorKind::peer, "the other side floods the connection with TLS messages"};
            }
            if (result == 1) return length;
            const int state = SSL_get_error(ssl_.get(), result);
            if (state == SSL_ERROR_ZERO_RETURN) return 0;
            if (state != SSL_ERROR_WANT_READ) throw failure();
        }
        receive();
    }
}

void TlsSession::receive() {
    const std::size_t length = below_.read_some(incoming_);
    if (length == 0) {
        throw Error{ErrorKind::network, received_ == 0 ? "the other side closed the connection at once"
                                                       : "the connection was cut"};
    }
    if (received_ == 0 && role_ == Role::client && !is_tls(incoming_.front())) {
        throw no_ft(incoming_.front() == std::byte{'@'} ? "a plain rsync daemon answers"
                                                        : "what answers does not speak TLS");
    }
    received_ += length;
    const std::lock_guard lock{mutex_};
    if (BIO_write(SSL_get_rbio(ssl_.get()), incoming_.data(), static_cast<int>(length)) !=
        static_cast<int>(length)) {
        throw Error{ErrorKind::internal, "OpenSSL cannot buffer what was received"};
    }
}

void TlsSession::write(std::span<const std::byte> data) {
    while (!data.empty()) {
        const std::size_t taken = std::min(data.size(), kCollect - collected_.size());
        collected_.insert(collected_.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(taken));
        data = data.subspan(taken);
        if (collected_.size() == kCollect) send_collected();
    }
}

void TlsSession::flush() {
    send_collected();
    below_.flush();
}

void TlsSession::finish_writing() {
    send_collected();
    send([&] { SSL_shutdown(ssl_.get()); });
    below_.flush();
}

void TlsSession::send_collected() {
    send([&] {
        std::size_t length = 0;
        if (collected_.empty()) return;
        if (SSL_write_ex(ssl_.get(), collected_.data(), collected_.size(), &length) != 1) throw failure();
        collected_.clear();
    });
}

void TlsSession::send(const std::function<void()>& produce) {
    base::Bytes records;
    {
        const std::lock_guard lock{mutex_};
        ERR_clear_error();
        produce();
        BIO* out = SSL_get_wbio(ssl_.get());
        records.resize(BIO_ctrl_pending(out));
        if (!records.empty()) BIO_read(out, records.data(), static_cast<int>(records.size()));
    }
    if (records.empty()) return;
    below_.write(records);
    sent_ += records.size();
}

}  // namespace ft::transport
