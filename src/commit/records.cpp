#include "commit/records.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "commit/journal_names.h"
#include "ft/base/bytes.h"
#include "ft/base/digest.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::commit {
namespace {

using Json = nlohmann::ordered_json;
using staging::ChangeKind;

constexpr std::size_t kChecksumLength = 32;  // hex digits of xxh128
constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t kAnyId = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t kModeBits = 07777;
constexpr std::uint32_t kLastNanosecond = 999'999'999;

// In the order of ChangeKind.
constexpr std::string_view kKinds[] = {"place", "replace", "remove", "attributes"};

[[noreturn]] void refuse(const std::string& what) { throw base::Error{base::ErrorKind::recovery, what}; }

ChangeKind kind_of(const std::string& name) {
    const auto* const known = std::find(std::begin(kKinds), std::end(kKinds), name);
    if (known == std::end(kKinds)) refuse("the operation \"" + base::escape(name) + "\" is unknown");
    return static_cast<ChangeKind>(known - std::begin(kKinds));
}

std::string text(const Json& record, const char* key) {
    return base::unescape(record.at(key).get_ref<const std::string&>());
}

/// A number from `lowest` to `highest`: nlohmann would cut what does not fit.
template <typename Number>
Number number(const Json& value, Number highest, Number lowest = 0) {
    const std::uint64_t given = value.is_number_unsigned() ? value.get<std::uint64_t>() : kAny;
    if (!value.is_number_unsigned() || given < lowest || given > highest) {
        refuse("the number " + value.dump() + " is out of range");
    }
    return static_cast<Number>(given);
}

Json to_json(const base::Attributes& attributes) {
    return {{"mode", fmt::format("{:04o}", attributes.mode)},
            {"uid", attributes.uid},
            {"gid", attributes.gid},
            {"mtime", Json::array({attributes.mtime.seconds, attributes.mtime.nanoseconds})}};
}

base::Attributes read_attributes(const Json& value) {
    base::Attributes attributes;
    const std::string& mode = value.at("mode").get_ref<const std::string&>();
    for (const char digit : mode) {
        if (digit < '0' || digit > '7' || attributes.mode > kModeBits) refuse("a mode is not octal");
        attributes.mode = attributes.mode * 8 + static_cast<std::uint32_t>(digit - '0');
    }
    if (attributes.mode > kModeBits) refuse("a mode is out of range");
    attributes.uid = number(value.at("uid"), kAnyId);
    attributes.gid = number(value.at("gid"), kAnyId);
    const Json& mtime = value.at("mtime");
    if (!mtime.at(0).is_number_integer()) refuse("a time is no number");
    attributes.mtime.seconds = mtime.at(0).get<std::int64_t>();
    attributes.mtime.nanoseconds = number(mtime.at(1), kLastNanosecond);
    return attributes;
}

std::string checksum(std::string_view json) {
    return base::digest_of(base::DigestKind::xxh128, base::as_bytes(json)).hex();
}

}  // namespace

Json to_json(const OrderedPlan& plan) {
    Json trees = Json::array();
    for (const TreeRoot& tree : plan.trees) {
        trees.push_back(
            {{"root", base::escape(tree.path)}, {"inode", tree.inode}, {"reserved", tree.reserved},
             {"generation", static_cast<std::uint64_t>(tree.generation)}});
    }
    Json header{
        {"record", kHeader},         {"version", kJournalVersion}, {"run", base::escape(plan.run_id)},
        {"trees", std::move(trees)}, {"swaps", plan.swaps.size()}, {"operations", plan.operations.size()}};
    if (plan.host_name) {
        header["host_name"] = {{"before", base::escape(plan.host_name->before)},
                               {"after", base::escape(plan.host_name->after)}};
    }
    return header;
}

Header read_header(const Json& record) {
    if (record.at("record") != kHeader) refuse("it is not the head of a journal");
    if (record.at("version") != kJournalVersion) {
        refuse(fmt::format("it has the format {}, this ft knows {}", record.at("version").dump(),
                           kJournalVersion));
    }
    Header header;
    header.plan.run_id = text(record, "run");
    header.swaps = number(record.at("swaps"), kAny);
    header.operations = number(record.at("operations"), kAny);
    for (const Json& tree : record.at("trees")) {
        header.plan.trees.push_back(
            {text(tree, "root"), number(tree.at("inode"), kAny), number(tree.at("reserved"), kAny),
             staging::Generation{number(tree.at("generation"), kAny, std::uint64_t{1})}});
    }
    if (const auto name = record.find("host_name"); name != record.end())
        header.plan.host_name = HostName{text(*name, "before"), text(*name, "after")};
    return header;
}

Json to_json(const DatabaseSwap& swap) {
    return {{"record", kSwap},
            {"connection", base::escape(swap.connection)},
            {"os_user", base::escape(swap.os_user)},
            {"name", base::escape(swap.name)},
            {"incoming", base::escape(swap.incoming)},
            {"previous", base::escape(swap.previous)},
            {"incoming_oid", swap.incoming_oid},
            {"current_oid", swap.current_oid}};
}

DatabaseSwap read_swap(const Json& record) {
    if (record.at("record") != kSwap) refuse("it is not the swap of a database");
    return {.connection = text(record, "connection"),
            .os_user = text(record, "os_user"),
            .name = text(record, "name"),
            .incoming = text(record, "incoming"),
            .previous = text(record, "previous"),
            .incoming_oid = number(record.at("incoming_oid"), kAnyId),
            .current_oid = number(record.at("current_oid"), kAnyId)};
}

Json to_json(const Operation& operation) {
    const staging::Change& change = operation.change;
    Json record{{"record", kKinds[static_cast<std::size_t>(change.kind)]},
                {"tree", operation.tree},
                {"path", change.path.escaped()},
                {"inode", change.inode}};
    if (change.kind == ChangeKind::attributes) {
        record["before"] = to_json(change.before);
        record["after"] = to_json(change.after);
    } else {
        record["slot"] = static_cast<std::uint64_t>(change.slot);
    }
    return record;
}

Operation read_operation(const Json& record, std::size_t trees) {
    Operation operation;
    staging::Change& change = operation.change;
    change.kind = kind_of(record.at("record").get_ref<const std::string&>());
    operation.tree = number(record.at("tree"), kAny);
    if (operation.tree >= trees) refuse("the tree is unknown");
    change.path = base::RelPath{text(record, "path")};
    change.inode = number(record.at("inode"), kAny);
    if (change.kind == ChangeKind::attributes) {
        change.before = read_attributes(record.at("before"));
        change.after = read_attributes(record.at("after"));
    } else {
        change.slot = staging::SlotNumber{number(record.at("slot"), kAny, std::uint64_t{1})};
    }
    return operation;
}

std::string to_line(const Json& record) {
    const std::string json = record.dump();
    return fmt::format("{} {}\n", checksum(json), json);
}

std::optional<Json> from_line(std::string_view line) {
    if (line.size() <= kChecksumLength || line[kChecksumLength] != ' ') return std::nullopt;
    const std::string_view json = line.substr(kChecksumLength + 1);
    if (checksum(json) != line.substr(0, kChecksumLength)) return std::nullopt;
    return Json::parse(json);
}

}  // namespace ft::commit
