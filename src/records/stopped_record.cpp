#include "ft/records/stopped_record.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "ft/base/bytes.h"
#include "ft/base/digest.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::records {
namespace {

using nlohmann::json;

constexpr std::size_t kChecksumLength = 32;
constexpr std::size_t kFileLimit = 64 << 20;
constexpr std::array kStates = {"off", "running", "stopping", "stopped"};
constexpr std::array kSides = {"source", "destination"};
constexpr std::array kPhases = {"rehearsal", "final"};

std::string checksum(std::string_view text) {
    return base::digest_of(base::DigestKind::xxh128, base::as_bytes(text)).hex();
}

template <typename Value, typename Names>
Value value_of(const Names& names, const std::string& name) {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (name == names[i]) return static_cast<Value>(i);
    }
    throw base::Error{base::ErrorKind::internal, "unknown value: " + name};
}

template <typename Names, typename Value>
const char* name_in(const Names& names, Value value) {
    return names.at(static_cast<std::size_t>(value));
}

json to_json(const StoppedService& each) {
    const system::ServiceDescription& service = each.service;
    return {{"name", service.name},
            {"unit", service.unit},
            {"stop", service.stop},
            {"start", service.start},
            {"active", service.active},
            {"timeout_s", service.timeout.count()},
            {"off_in_rehearsal", service.off_in_rehearsal},
            {"state", name_in(kStates, each.state)}};
}

StoppedService service_from(const json& from) {
    StoppedService each;
    system::ServiceDescription& service = each.service;
    from.at("name").get_to(service.name);
    from.at("unit").get_to(service.unit);
    from.at("stop").get_to(service.stop);
    from.at("start").get_to(service.start);
    from.at("active").get_to(service.active);
    service.timeout = std::chrono::seconds{from.at("timeout_s").get<std::int64_t>()};
    from.at("off_in_rehearsal").get_to(service.off_in_rehearsal);
    each.state = value_of<ServiceState>(kStates, from.at("state").get<std::string>());
    return each;
}

}  // namespace

bool StoppedRecord::wanted(const StoppedService& each) const {
    const bool off = each.service.off_in_rehearsal && phase_here() == system::Phase::rehearsal;
    if (committed) return !off;
    if (taken_back && off) return false;  // it may have run on the data of a final run, but not on these
    return each.state == ServiceState::stopping || each.state == ServiceState::stopped;
}

std::string encode(const StoppedRecord& record) {
    json services = json::array();
    for (const StoppedService& each : record.services) services.push_back(to_json(each));
    json whole = {{"version", kStoppedServicesVersion},
                  {"side", name_in(kSides, record.side)},
                  {"run_id", record.run_id},
                  {"phase", name_in(kPhases, record.phase)},
                  {"committed", record.committed},
                  {"taken_back", record.taken_back},
                  {"services", services}};
    if (record.phase_before) whole["phase_before"] = name_in(kPhases, *record.phase_before);
    const std::string text = whole.dump();
    return fmt::format("{} {}\n", checksum(text), text);
}

std::optional<StoppedRecord> decode(std::string_view text) try {
    if (text.size() < kChecksumLength + 2 || text[kChecksumLength] != ' ' || text.back() != '\n')
        return std::nullopt;
    const std::string_view body = text.substr(kChecksumLength + 1, text.size() - kChecksumLength - 2);
    if (checksum(body) != text.substr(0, kChecksumLength)) return std::nullopt;
    const json from = json::parse(body);
    if (from.at("version") != kStoppedServicesVersion) return std::nullopt;
    StoppedRecord record;
    record.side = value_of<Side>(kSides, from.at("side").get<std::string>());
    from.at("run_id").get_to(record.run_id);
    record.phase = value_of<system::Phase>(kPhases, from.at("phase").get<std::string>());
    from.at("committed").get_to(record.committed);
    from.at("taken_back").get_to(record.taken_back);
    if (from.contains("phase_before"))
        record.phase_before = value_of<system::Phase>(kPhases, from.at("phase_before").get<std::string>());
    for (const auto& each : from.at("services")) record.services.push_back(service_from(each));
    return record;
} catch (const json::exception&) {
    return std::nullopt;
} catch (const base::Error&) {
    return std::nullopt;
}

void write_stopped(os::Directory& state, const StoppedRecord& record) {
    os::write_whole(state, kStoppedServices, encode(record));
}

std::optional<StoppedRecord> read_stopped(const os::Directory& state) {
    if (!state.status(kStoppedServices)) return std::nullopt;
    if (auto record = decode(os::read_all(state, kStoppedServices, kFileLimit))) return record;
    throw base::Error{
        base::ErrorKind::recovery,
        fmt::format("{}/{}: which services ft has stopped cannot be read: it is damaged, or of "
                    "another version of ft",
                    base::escape(state.path()), kStoppedServices),
        "Start the services that should run, remove this file, then run the same command again."};
}

void remove_stopped(os::Directory& state) {
    os::remove_all(state, kStoppedServices);
    state.sync();
}

}  // namespace ft::records
