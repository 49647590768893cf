#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "ft/base/escape.h"
#include "ft/control/channel.h"

namespace ft::control {
namespace {

using base::Error;
using base::ErrorKind;
using nlohmann::json;

constexpr int kLevels = 64;
// A manifest names each table twice and each file of a dump once; the text's 16 MiB may hold many more,
// smaller ones.
constexpr std::size_t kValues = 1'000'000;
constexpr std::size_t kTextBytes = 4096;

/// Text that may be shown, as it is when it is escaped already: so that what was escaped on the way here is
/// not escaped again, and a peer's text needs no other look.
std::string shown(const std::string& text) {
    try {
        if (base::escape(base::unescape(text)) == text) return text;
    } catch (const Error&) {
        // A backslash that escape did not write: raw text.
    }
    return base::escape(text);
}

/// As much of `text` as a field may hold, cut between characters.
std::string shortened(std::string text) {
    if (text.size() <= kTextBytes) return text;
    std::size_t end = kTextBytes;
    while ((static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text.resize(end);
    return text;
}

/// Names and values of a database: bytes that are looked up, so escaped on the way and given back.
json to_json(const system::KeptRows& rows) {
    json values = json::array();
    for (const std::string& value : rows.values) values.push_back(base::escape(value));
    return {{"database", base::escape(rows.database)},
            {"table", base::escape(rows.table)},
            {"key", base::escape(rows.key)},
            {"values", std::move(values)}};
}

json to_fields(const Begin& begin) {
    json keep_rows = json::array();
    for (const system::KeptRows& rows : begin.keep_rows) keep_rows.push_back(to_json(rows));
    return {{"message", "begin"},
            {"format", begin.format},
            {"ft_version", shown(begin.ft_version)},
            {"run_id", shown(begin.run_id)},
            {"host_name", shown(begin.host_name)},
            {"again", begin.again},
            {"final_run", begin.final_run},
            {"keep_rows", std::move(keep_rows)}};
}
json to_fields(const BackupProgress& progress) {
    return {{"message", "backup_progress"},
            {"database", shown(progress.database)},
            {"bytes_done", progress.bytes_done},
            {"bytes_expected", progress.bytes_expected}};
}
json to_fields(const Ready& ready) {
    return {{"message", "ready"}, {"manifest", system::to_json(ready.manifest)}};
}
json to_fields(const RunProgress& progress) {
    return {{"message", "run_progress"},
            {"phase", shown(progress.phase)},
            {"bytes_done", progress.bytes_done},
            {"bytes_wanted", progress.bytes_wanted}};
}
json to_fields(const Failure& failure) {
    return {{"message", "failure"},
            {"text", shortened(shown(failure.message))},
            {"cancelled", failure.cancelled}};
}
json to_fields(const Result& result) {
    return {{"message", "result"},
            {"run_id", shown(result.run_id)},
            {"outcome", base::name_of(result.outcome)},
            {"text", shortened(shown(result.message))}};
}
json to_fields(const StopTraffic&) { return {{"message", "stop_traffic"}}; }
json to_fields(const Alive&) { return {{"message", "alive"}}; }

Error broken(const std::string& what) { return {ErrorKind::peer, "control channel: " + what}; }

/// The fields of a message, each of which must be taken once and be right.
class Fields {
public:
    explicit Fields(json object) : object_(std::move(object)) {  // braces would make an array of it
        if (!object_.is_object()) throw broken("a message that is no JSON object");
    }

    json take(const char* name) {
        const auto field = object_.find(name);
        if (field == object_.end()) throw broken(fmt::format("a message without \"{}\"", name));
        json value = std::move(*field);
        object_.erase(field);
        return value;
    }
    std::string text(const char* name) {
        const json value = take(name);
        if (!value.is_string()) throw broken(fmt::format("\"{}\" is no text", name));
        const auto& text = value.get_ref<const std::string&>();
        if (text.size() > kTextBytes) throw broken(fmt::format("\"{}\" is above {} bytes", name, kTextBytes));
        return shown(text);
    }
    std::uint64_t number(const char* name) {
        const json value = take(name);
        if (!value.is_number_unsigned()) throw broken(fmt::format("\"{}\" is no whole number from 0", name));
        return value.get<std::uint64_t>();
    }
    bool truth(const char* name) {
        const json value = take(name);
        if (!value.is_boolean()) throw broken(fmt::format("\"{}\" is neither true nor false", name));
        return value.get<bool>();
    }
    base::Outcome outcome(const char* name) {
        const std::string text = this->text(name);
        for (const auto outcome : {base::Outcome::unchanged, base::Outcome::committed,
                                   base::Outcome::rolled_back, base::Outcome::recovery_needed}) {
            if (base::name_of(outcome) == text) return outcome;
        }
        throw broken(fmt::format("\"{}\" is no outcome", name));
    }
    /// Whatever is left is of no interest.
    void drop_rest() { object_.clear(); }
    void require_end() const {
        if (!object_.empty())
            throw broken(fmt::format("unknown field \"{}\"", base::escape(object_.begin().key())));
    }

private:
    json object_;
};

std::string bytes_of(const json& value) {
    if (!value.is_string()) throw broken("\"keep_rows\" holds what is no text");
    try {
        return base::unescape(value.get_ref<const std::string&>());
    } catch (const Error&) {
        throw broken("\"keep_rows\" holds a text that was not escaped");
    }
}

std::vector<system::KeptRows> to_kept_rows(const json& value) {
    if (!value.is_array()) throw broken("\"keep_rows\" is no list");
    std::vector<system::KeptRows> result;
    for (const json& each : value) {
        Fields fields{each};
        system::KeptRows& rows = result.emplace_back();
        rows.database = bytes_of(fields.take("database"));
        rows.table = bytes_of(fields.take("table"));
        rows.key = bytes_of(fields.take("key"));
        const json values = fields.take("values");
        if (!values.is_array()) throw broken("\"keep_rows\" has values that are no list");
        for (const json& one : values) rows.values.push_back(bytes_of(one));
        fields.require_end();
    }
    return result;
}

/// A begin of another format is read as far as it tells which: the source answers with both versions.
Begin to_begin(Fields& fields) {
    const std::uint64_t format = fields.number("format");
    if (format > std::numeric_limits<int>::max()) throw broken("\"format\" is above 2147483647");
    Begin begin;
    begin.format = static_cast<int>(format);
    begin.ft_version = fields.text("ft_version");
    if (begin.format == system::kFormatVersion) {
        begin.run_id = fields.text("run_id");
        begin.host_name = fields.text("host_name");
        begin.again = fields.truth("again");
        begin.final_run = fields.truth("final_run");
        begin.keep_rows = to_kept_rows(fields.take("keep_rows"));
    } else {
        fields.drop_rest();
    }
    return begin;
}

Message to_message(const std::string& kind, Fields& fields) {
    if (kind == "begin") return to_begin(fields);
    if (kind == "backup_progress") {
        return BackupProgress{.database = fields.text("database"),
                              .bytes_done = fields.number("bytes_done"),
                              .bytes_expected = fields.number("bytes_expected")};
    }
    if (kind == "ready") return Ready{system::manifest_from_json(fields.take("manifest"))};
    if (kind == "stop_traffic") return StopTraffic{};
    if (kind == "run_progress") {
        return RunProgress{.phase = fields.text("phase"),
                           .bytes_done = fields.number("bytes_done"),
                           .bytes_wanted = fields.number("bytes_wanted")};
    }
    if (kind == "failure")
        return Failure{.message = fields.text("text"), .cancelled = fields.truth("cancelled")};
    if (kind == "result") {
        return Result{.run_id = fields.text("run_id"),
                      .outcome = fields.outcome("outcome"),
                      .message = fields.text("text")};
    }
    if (kind == "alive") return Alive{};
    throw broken(fmt::format("unknown message \"{}\"", kind));
}

/// JSON of a peer: bounded in levels and values, each name once an object.
json parse(std::string_view line) {
    std::size_t values = 0;
    std::vector<std::set<std::string>> names;  // of the objects that are open
    const auto watch = [&](int depth, json::parse_event_t event, const json& parsed) {
        using Event = json::parse_event_t;
        if (depth >= kLevels && (event == Event::object_start || event == Event::array_start)) {
            throw broken(fmt::format("more than {} levels", kLevels));
        }
        if (++values > kValues) throw broken(fmt::format("more than {} values", kValues));
        if (event == Event::object_start) names.emplace_back();
        if (event == Event::object_end) names.pop_back();
        if (event == Event::key && !names.back().insert(parsed.get_ref<const std::string&>()).second) {
            throw broken("the same name twice in an object");
        }
        return true;
    };
    try {
        return json::parse(line, watch);
    } catch (const json::exception&) {
        // The library's text quotes the peer's bytes; that it is none says enough.
        throw broken("a line that is no JSON");
    }
}

}  // namespace

std::string encode(const Message& message) {
    try {
        return std::visit([](const auto& value) { return to_fields(value); }, message).dump() + '\n';
    } catch (const json::exception&) {
        throw Error{ErrorKind::internal, "control channel: a text that is not UTF-8 was not escaped"};
    }
}

Message decode(std::string_view line) {
    Fields fields{parse(line)};
    const std::string kind = fields.text("message");
    Message message = to_message(kind, fields);
    fields.require_end();
    return message;
}

}  // namespace ft::control
