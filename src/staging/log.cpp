#include "staging/log.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "ft/base/bytes.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/rel_path.h"

namespace ft::staging {
namespace {

constexpr std::size_t kPiece = 64 * 1024;         // bytes written and read at once
constexpr std::uint64_t kMostContent = 1 << 20;   // bytes of files of which a kill may lose the lines
constexpr std::size_t kLongestLine = 32 * 1024;   // a path of 4095 bytes, each of them escaped, and the rest
constexpr std::size_t kLongestOrigin = 4 * 1024;  // bytes
constexpr std::size_t kChecksum = 16;             // hexadecimal digits
constexpr std::size_t kLongestDigest = 16;        // bytes of the kinds that content is digested by

std::string checksum(std::string_view text) {
    return base::digest_of(base::DigestKind::xxh128, base::as_bytes(text)).hex().substr(0, kChecksum);
}

/// Takes what stands before the next space.
std::string_view next_field(std::string_view& left) {
    const std::string_view field = left.substr(0, left.find(' '));
    left.remove_prefix(std::min(left.size(), field.size() + 1));
    return field;
}

template <typename Number>
Number number(std::string_view field) {
    Number value{};
    std::from_chars(field.data(), field.data() + field.size(), value);
    return value;  // what is no number is seen when the line is compared
}

base::Digest digest_of_hex(std::string_view hex, std::size_t size) {
    std::array<std::byte, kLongestDigest> bytes{};
    if (size > bytes.size() || hex.size() != 2 * size) return {};
    for (std::size_t i = 0; i < size; ++i) {
        unsigned value = 0;
        std::from_chars(hex.data() + 2 * i, hex.data() + 2 * i + 2, value, 16);
        bytes[i] = static_cast<std::byte>(value);
    }
    return base::Digest{std::span{bytes}.first(size)};
}

bool is_sound(const LogEntry& entry) {
    if (!base::RelPath::fault(entry.path).empty() || entry.path == "." || entry.slot == SlotNumber{0})
        return false;
    const bool at_end = entry.top == entry.path.size();
    const bool at_slash = entry.top > 0 && entry.top < entry.path.size() && entry.path[entry.top] == '/';
    if ((!at_end && !at_slash) || !base::RelPath::fault(entry.place()).empty()) return false;
    return !entry.complete || (entry.mtime.nanoseconds < 1'000'000'000 && !entry.digest.bytes().empty());
}

std::string text_of(const LogEntry& entry) {
    const auto slot = static_cast<std::uint64_t>(entry.slot);
    if (!entry.complete) return fmt::format("begun {} {} {}", slot, entry.top, base::escape(entry.path));
    return fmt::format("file {} {} {} {} {} {} {} {}", slot, entry.top, entry.size, entry.mtime.seconds,
                       entry.mtime.nanoseconds, base::name_of(entry.kind), entry.digest.hex(),
                       base::escape(entry.path));
}

}  // namespace

std::string LogEntry::place() const { return slot_name(slot) + path.substr(top); }

std::string to_line(const LogEntry& entry) {
    const std::string text = text_of(entry);
    return checksum(text) + ' ' + text;
}

std::optional<LogEntry> entry_of(std::string_view line) {
    std::string_view left = line;
    const std::string_view sum = next_field(left);
    if (sum.size() != kChecksum || checksum(left) != sum) return std::nullopt;
    LogEntry entry;
    entry.complete = next_field(left) == "file";
    entry.slot = SlotNumber{number<std::uint64_t>(next_field(left))};
    entry.top = number<std::size_t>(next_field(left));
    if (entry.complete) {
        entry.size = number<std::uint64_t>(next_field(left));
        entry.mtime.seconds = number<std::int64_t>(next_field(left));
        entry.mtime.nanoseconds = number<std::uint32_t>(next_field(left));
        const auto kind = base::digest_kind(next_field(left));
        if (!kind) return std::nullopt;
        entry.kind = *kind;
        entry.digest = digest_of_hex(next_field(left), base::digest_size(entry.kind));
    }
    try {
        entry.path = base::unescape(left);
    } catch (const base::Error&) {
        return std::nullopt;
    }
    if (!is_sound(entry) || to_line(entry) != line) return std::nullopt;
    return entry;
}

void read_log(const os::Directory& generation, const std::function<void(LogEntry)>& take) {
    const auto status = generation.status(kLog);
    if (!status || status->type != base::FileType::regular) return;
    const auto file = generation.open_file(kLog);
    std::string left;
    bool too_long = false;  // what is passed over has not ended yet
    base::Bytes piece(kPiece);
    for (std::uint64_t at = 0;;) {
        const std::size_t length = file->read_at(at, piece);
        if (length == 0) return;  // a last line without its end is none
        at += length;
        left += base::as_text(std::span{piece}.first(length));
        std::size_t begin = 0;
        for (std::size_t end = left.find('\n'); end != std::string::npos; end = left.find('\n', begin)) {
            auto entry =
                too_long ? std::nullopt : entry_of(std::string_view{left}.substr(begin, end - begin));
            if (entry) take(std::move(*entry));
            too_long = false;
            begin = end + 1;
        }
        left.erase(0, begin);
        if (left.size() <= kLongestLine) continue;
        left.clear();
        too_long = true;
    }
}

Log::Log(std::shared_ptr<os::Directory> generation, std::string origin)
    : generation_{std::move(generation)}, origin_{std::move(origin)} {}

void Log::add(const LogEntry& entry) {
    used_ = true;
    pending_ += to_line(entry);
    pending_ += '\n';
    pending_content_ += entry.size;
    if (pending_.size() >= kPiece || pending_content_ >= kMostContent) flush();
}

void Log::flush() {
    if (pending_.empty()) return;
    if (!file_) {
        if (!origin_.empty() && !generation_->status(kOrigin))
            generation_->create_file(kOrigin)->write_at(0, base::as_bytes(origin_));
        file_ = generation_->create_file(kLog);
    }
    file_->write_at(written_, base::as_bytes(pending_));
    written_ += pending_.size();
    pending_.clear();
    pending_content_ = 0;
}

void Log::make_durable() {
    flush();
    if (!file_) return;
    file_->sync();
    if (!origin_.empty()) generation_->change_file(kOrigin)->sync();
    generation_->sync();
}

std::optional<std::string> read_origin(const os::Directory& generation) {
    try {
        return os::read_all(generation, kOrigin, kLongestOrigin);
    } catch (const base::Error&) {
        return std::nullopt;
    }
}

}  // namespace ft::staging
