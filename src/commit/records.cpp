#include "commit/records.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "commit/journal_names.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::commit {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t kAnyId = std::numeric_limits<std::uint32_t>::max();

[[noreturn]] void refuse(const std::string& what) { throw base::Error{base::ErrorKind::recovery, what}; }

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

/// What `read` makes of the record.
template <typename Read>
auto read_json(std::string_view text, Read&& read) try {
    return read(Json::parse(text));
} catch (const nlohmann::json::exception&) {
    refuse("it is not as the format has it");
}

}  // namespace

std::string header_text(const OrderedPlan& plan) {
    Json trees = Json::array();
    for (const TreeRoot& tree : plan.trees) {
        trees.push_back({{"root", base::escape(tree.path)},
                         {"inode", tree.inode},
                         {"reserved", tree.reserved},
                         {"generation", static_cast<std::uint64_t>(tree.generation)}});
        for (const std::string& path : tree.made) trees.back()["made"].push_back(base::escape(path));
    }
    Json header{{"record", kHeader},
                {"version", kJournalVersion},
                {"run", base::escape(plan.run_id)},
                {"undo", plan.keep_undo},
                {"trees", std::move(trees)},
                {"swaps", plan.swaps.size()},
                {"operations", plan.moves.size() + plan.settings.size()}};
    if (plan.host_name) {
        header["host_name"] = {{"before", base::escape(plan.host_name->before)},
                               {"after", base::escape(plan.host_name->after)}};
    }
    return header.dump();
}

Header read_header(std::string_view line) {
    return read_json(line, [](const Json& record) {
        if (record.at("record") != kHeader) refuse("it is not the head of a journal");
        if (record.at("version") != kJournalVersion) {
            refuse(fmt::format("it has the format {}, this ft knows {}", record.at("version").dump(),
                               kJournalVersion));
        }
        Header header;
        header.plan.run_id = text(record, "run");
        header.plan.keep_undo = record.at("undo").get<bool>();
        header.swaps = number(record.at("swaps"), kAny);
        header.operations = number(record.at("operations"), kAny);
        for (const Json& tree : record.at("trees")) {
            header.plan.trees.push_back(
                {text(tree, "root"),
                 number(tree.at("inode"), kAny),
                 number(tree.at("reserved"), kAny),
                 staging::Generation{number(tree.at("generation"), kAny, std::uint64_t{1})},
                 {}});
            if (const auto made = tree.find("made"); made != tree.end()) {
                for (const Json& path : *made)
                    header.plan.trees.back().made.push_back(
                        base::unescape(path.get_ref<const std::string&>()));
            }
        }
        if (const auto name = record.find("host_name"); name != record.end())
            header.plan.host_name = HostName{text(*name, "before"), text(*name, "after")};
        return header;
    });
}

std::string text_of(const DatabaseSwap& swap) {
    return Json{{"record", kSwap},
                {"connection", base::escape(swap.connection)},
                {"os_user", base::escape(swap.os_user)},
                {"name", base::escape(swap.name)},
                {"incoming", base::escape(swap.incoming)},
                {"previous", base::escape(swap.previous)},
                {"incoming_oid", swap.incoming_oid},
                {"current_oid", swap.current_oid}}
        .dump();
}

DatabaseSwap read_swap(std::string_view line) {
    return read_json(line, [](const Json& record) -> DatabaseSwap {
        if (record.at("record") != kSwap) refuse("it is not the swap of a database");
        return {.connection = text(record, "connection"),
                .os_user = text(record, "os_user"),
                .name = text(record, "name"),
                .incoming = text(record, "incoming"),
                .previous = text(record, "previous"),
                .incoming_oid = number(record.at("incoming_oid"), kAnyId),
                .current_oid = number(record.at("current_oid"), kAnyId)};
    });
}

std::string text_of(const Freeing& freeing) {
    Json record{{"record", freeing.unmade ? kUnmade
                           : freeing.time ? kFreeing
                                          : kFreed},
                {"tree", freeing.tree}};
    if (freeing.time) record["time"] = {freeing.time->seconds, freeing.time->nanoseconds};
    return record.dump();
}

std::optional<Freeing> read_freeing(std::string_view line, const OrderedPlan& plan) {
    return read_json(line, [&](const Json& record) -> std::optional<Freeing> {
        const std::string& name = record.at("record").get_ref<const std::string&>();
        if (name != kFreeing && name != kFreed && name != kUnmade) return std::nullopt;
        if (plan.trees.empty()) refuse("there is no tree");
        Freeing freeing{number(record.at("tree"), plan.trees.size() - 1)};
        freeing.unmade = name == kUnmade;
        if (name != kFreeing) return freeing;
        const Json& time = record.at("time");
        if (!time.at(0).is_number_integer()) refuse("it has no time");
        freeing.time =
            base::Timestamp{time.at(0).get<std::int64_t>(), number(time.at(1), std::uint32_t{999'999'999})};
        return freeing;
    });
}

std::string decision_text(const Decision& decision, std::string_view reason) {
    Json record{{"record", decision.name}, {"run", base::escape(decision.run_id)}};
    if (!reason.empty()) record["reason"] = base::escape(reason);
    return record.dump();
}

Decision read_decision(std::string_view line) {
    return read_json(line, [](const Json& record) -> Decision {
        return {record.at("record").get<std::string>(), text(record, "run")};
    });
}

}  // namespace ft::commit
