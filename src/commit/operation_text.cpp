#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "commit/journal_names.h"
#include "commit/records.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/extended.h"

// There may be a million operations, so they are written and read without a tree of JSON values between: a
// reader takes exactly what the writer writes.
namespace ft::commit {
namespace {

using staging::DirectoryTime;
using staging::MoveKind;

constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t kAnyId = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t kModeBits = 07777;
constexpr std::uint32_t kLastNanosecond = 999'999'999;

// In the order of MoveKind.
constexpr std::string_view kKinds[] = {"place", "replace", "remove"};

[[noreturn]] void refuse(const std::string& what) { throw base::Error{base::ErrorKind::recovery, what}; }

/// An escaped text as JSON text: what JSON cannot hold, escaping has made visible already.
void write_escaped(std::string& text, std::string_view escaped) {
    for (const char c : escaped) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
    }
}

constexpr std::string_view kHex = "0123456789abcdef";

void write_extended(std::string& text, std::string_view packed) {
    text += ",\"extended\":{";
    for (const base::ExtendedAttribute& each : base::unpack(packed)) {
        if (text.back() != '{') text += ',';
        text += '"';
        write_escaped(text, base::escape(each.name));
        text += "\":\"";
        for (const char c : each.value) {
            const auto byte = static_cast<unsigned char>(c);
            text += kHex[byte >> 4];
            text += kHex[byte & 15];
        }
        text += '"';
    }
    text += '}';
}

void write_time(std::string& text, std::string_view name, const DirectoryTime& time) {
    if (const auto known = time.get())
        fmt::format_to(std::back_inserter(text), ",\"{}\":[{},{}]", name, known->seconds, known->nanoseconds);
}

/// `extended`: null when it stays.
void write_values(std::string& text, std::string_view name, const Setting::Values& values,
                  const std::string* extended) {
    fmt::format_to(std::back_inserter(text),
                   ",\"{}\":{{\"mode\":\"{:04o}\",\"uid\":{},\"gid\":{},\"mtime\":[{},{}]", name, values.mode,
                   values.uid, values.gid, values.seconds, values.nanoseconds);
    if (extended != nullptr) write_extended(text, *extended);
    text += '}';
}

/// What is left of a text to be read.
class Rest {
public:
    explicit Rest(std::string_view text) : text_{text} {}

    bool takes(std::string_view expected) {
        if (!text_.starts_with(expected)) return false;
        text_.remove_prefix(expected.size());
        return true;
    }
    void take(std::string_view expected) {
        if (!takes(expected)) refuse("it is not as the format has it");
    }
    void end() const {
        if (!text_.empty()) refuse("it is not as the format has it");
    }
    template <typename Number>
    Number number(Number highest, Number lowest = std::numeric_limits<Number>::min(), int base = 10) {
        Number value = 0;
        const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value, base);
        if (error != std::errc{} || value < lowest || value > highest) refuse("a number is out of range");
        text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
        return value;
    }
    base::RelPath path() { return base::RelPath{text()}; }
    /// An escaped text up to its quote.
    std::string text() {
        std::string escaped;
        std::size_t at = 0;
        for (; at < text_.size() && text_[at] != '"'; ++at) {
            if (text_[at] == '\\') ++at;
            if (at < text_.size()) escaped += text_[at];
        }
        text_.remove_prefix(std::min(at, text_.size()));
        return base::unescape(escaped);
    }
    base::Timestamp time() {
        take("[");
        base::Timestamp time;
        time.seconds = number(std::numeric_limits<std::int64_t>::max());
        take(",");
        time.nanoseconds = number(kLastNanosecond);
        take("]");
        return time;
    }
    DirectoryTime directory_time(std::string_view name) {
        return takes(fmt::format(",\"{}\":", name)) ? DirectoryTime{time()} : DirectoryTime{};
    }
    Setting::Values values(std::string_view name) {
        take(fmt::format(",\"{}\":{{\"mode\":\"", name));
        Setting::Values values;
        values.mode = number(kModeBits, 0U, 8);
        take("\",\"uid\":");
        values.uid = number(kAnyId);
        take(",\"gid\":");
        values.gid = number(kAnyId);
        take(",\"mtime\":");
        const base::Timestamp mtime = time();
        values.seconds = mtime.seconds;
        values.nanoseconds = mtime.nanoseconds;
        return values;
    }
    /// Packed; nothing when there is no such member.
    std::optional<std::string> extended() {
        if (!takes(",\"extended\":{")) return std::nullopt;
        std::vector<std::pair<std::string, std::string>> all;
        while (!takes("}")) {
            take(all.empty() ? "\"" : ",\"");
            std::string name = text();
            if (name.empty() || name.find('\0') != std::string::npos) refuse("an attribute has no name");
            take("\":\"");
            all.emplace_back(std::move(name), bytes());
        }
        std::vector<base::ExtendedAttribute> views;
        views.reserve(all.size());
        for (const auto& [name, value] : all) views.push_back({name, value});
        return base::pack(std::move(views));
    }
    /// In hex, up to and with the quote.
    std::string bytes() {
        std::string value;
        while (!takes("\"")) {
            const std::size_t high = text_.size() < 2 ? kHex.npos : kHex.find(text_[0]);
            const std::size_t low = text_.size() < 2 ? kHex.npos : kHex.find(text_[1]);
            if (high == kHex.npos || low == kHex.npos) refuse("a value is not in hex");
            value += static_cast<char>(high << 4 | low);
            text_.remove_prefix(2);
        }
        return value;
    }

private:
    std::string_view text_;
};

/// The members that all operations have, in front of their own.
template <typename Operation>
void read_common(Rest& rest, Operation& operation, const OrderedPlan& plan) {
    rest.take("\",\"tree\":");
    operation.tree = rest.number(kAnyId);
    if (operation.tree >= plan.trees.size()) refuse("the tree is unknown");
    rest.take(",\"path\":\"");
    operation.path = rest.path();
    rest.take("\",\"inode\":");
    operation.inode = rest.number(kAny);
}

Move read_move(Rest& rest, MoveKind kind, const OrderedPlan& plan) {
    Move move{.kind = kind};
    read_common(rest, move, plan);
    if (kind == MoveKind::replace) {
        rest.take(",\"replaced\":");
        move.replaced = rest.number(kAny);
    }
    rest.take(",\"slot\":");
    move.slot = staging::SlotNumber{rest.number(kAny, std::uint64_t{1})};
    move.time = rest.directory_time("time");
    move.replaced_time = rest.directory_time("replaced_time");
    rest.take("}");
    rest.end();
    return move;
}

Setting read_setting(Rest& rest, OrderedPlan& plan) {
    Setting setting;
    read_common(rest, setting, plan);
    setting.before = rest.values("before");
    const auto before = rest.extended();
    rest.take("}");
    setting.after = rest.values("after");
    const auto after = rest.extended();
    rest.take("}}");
    if (before.has_value() != after.has_value()) refuse("it has extended attributes but once");
    if (before) setting.extended = plan.extended.add(*before, *after);
    rest.end();
    return setting;
}

void write_common(std::string& text, std::string_view kind, std::uint32_t tree, const base::RelPath& path,
                  std::uint64_t inode) {
    text.clear();
    fmt::format_to(std::back_inserter(text), "{{\"record\":\"{}\",\"tree\":{},\"path\":\"", kind, tree);
    write_escaped(text, path.escaped());
    fmt::format_to(std::back_inserter(text), "\",\"inode\":{}", inode);
}

}  // namespace

void write(std::string& text, const Move& move) {
    write_common(text, kKinds[static_cast<std::size_t>(move.kind)], move.tree, move.path, move.inode);
    if (move.kind == MoveKind::replace)
        fmt::format_to(std::back_inserter(text), ",\"replaced\":{}", move.replaced);
    fmt::format_to(std::back_inserter(text), ",\"slot\":{}", static_cast<std::uint64_t>(move.slot));
    write_time(text, "time", move.time);
    write_time(text, "replaced_time", move.replaced_time);
    text += '}';
}

void write(std::string& text, const Setting& setting, const staging::ExtendedChanges& extended) {
    write_common(text, kAttributes, setting.tree, setting.path, setting.inode);
    const auto* const change = extended.find(setting.extended);
    write_values(text, "before", setting.before, change == nullptr ? nullptr : &change->before);
    write_values(text, "after", setting.after, change == nullptr ? nullptr : &change->after);
    text += '}';
}

void read_operation(std::string_view text, OrderedPlan& plan) {
    Rest rest{text};
    rest.take("{\"record\":\"");
    if (rest.takes(kAttributes)) return plan.settings.push_back(read_setting(rest, plan));
    // "replace" and "remove" do not begin alike as a whole, nor does "place".
    for (std::size_t kind = 0; kind < std::size(kKinds); ++kind) {
        if (rest.takes(kKinds[kind]))
            return plan.moves.push_back(read_move(rest, static_cast<MoveKind>(kind), plan));
    }
    refuse("the operation is unknown");
}

}  // namespace ft::commit
