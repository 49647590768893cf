#include "commit/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "commit/journal_names.h"
#include "commit/lines.h"
#include "commit/records.h"
#include "ft/base/bytes.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::commit {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShownText = 100;  // bytes of a damaged line that an error shows

constexpr std::size_t kPiece = 1024 * 1024;  // bytes that are written at once

struct Decision {
    Phase from;
    Phase to;
    std::string_view name;
};
constexpr Decision kDecisions[] = {{Phase::prepared, Phase::committed, kCommit},
                                   {Phase::committed, Phase::done, kDone},
                                   {Phase::committed, Phase::rolling_back, kRollback},
                                   {Phase::rolling_back, Phase::rolled_back, kRolledBack}};

/// The phase that a record begins after `journal`.
Phase read_decision(const Json& record, const Journal& journal) {
    for (const Decision& known : kDecisions) {
        const bool fits =
            record.at("record") == known.name && record.at("run") == base::escape(journal.plan.run_id);
        if (fits && known.from == journal.phase) return known.to;
    }
    throw base::Error{base::ErrorKind::recovery, "it does not belong here"};
}

/// A last line that a power loss explains: its end is missing, or its first sectors are (read as zeros). With
/// its newline, or with something else in that place, it was whole once and the disk has changed it.
bool is_torn(std::string_view line) {
    if (line.front() == '\0') return true;
    return line.back() != '\n' && !from_line(line.substr(0, line.size() - 1));
}

/// Reads record by record.
class RecordReader {
public:
    RecordReader(const os::File& file, std::string path) : lines_{file}, path_{std::move(path)} {}

    /// The next record, which must be there, as `read` makes it of JSON.
    template <typename Read>
    auto require(Read&& read) {
        return parse(lines_.next().value_or(""), read);
    }

    /// Reads a decision into `journal`; false when there is none but perhaps a torn one.
    bool next_decision(Journal& journal) {
        const auto line = lines_.next();
        if (!line || (lines_.at_end() && is_torn(*line))) return false;
        journal.phase = parse(*line, [&](const Json& record) { return read_decision(record, journal); });
        return true;
    }

    /// Bytes of whole records so far.
    std::uint64_t end() const { return end_; }

private:
    template <typename Read>
    std::invoke_result_t<Read, const Json&> parse(std::string_view line, Read&& read) {
        std::string wrong = line.empty() ? "it ends too early" : "the checksum does not fit";
        try {
            const auto record =
                line.ends_with('\n') ? from_line(line.substr(0, line.size() - 1)) : std::nullopt;
            if (record) {
                end_ = lines_.position();
                return read(*record);
            }
        } catch (const nlohmann::json::exception&) {
            wrong = "it is not as the format has it";
        } catch (const base::Error& error) {
            wrong = error.what();
        }
        throw base::Error{
            base::ErrorKind::recovery,
            fmt::format("{}: after line {}: {}: {}", base::escape(path_), lines_.number() - !line.empty(),
                        wrong, base::escape(line.substr(0, kShownText))),
            "The journal says how far a commit came; keep it. docs/journal.md, \"When it is damaged\", "
            "says how to finish by hand."};
    }

    LineReader lines_;
    std::string path_;
    std::uint64_t end_ = 0;
};

bool remove_if_there(os::Directory& state, std::string_view name) {
    const bool there = state.status(name).has_value();
    if (there) state.remove(name);
    return there;
}

}  // namespace

Journal write_journal(os::Directory& state, OrderedPlan plan) {
    remove_if_there(state, kNewJournal);
    const std::unique_ptr<os::File> file = state.create_file(kNewJournal);
    std::string pending;
    std::uint64_t end = 0;
    const auto flush = [&] {
        file->write_at(end, base::as_bytes(pending));
        end += pending.size();
        pending.clear();
    };
    const auto write = [&](const Json& record) {
        pending += to_line(record);
        if (pending.size() >= kPiece) flush();
    };
    write(to_json(plan));
    for (const DatabaseSwap& swap : plan.swaps) write(to_json(swap));
    for (const Operation& operation : plan.operations) write(to_json(operation));
    flush();
    file->sync();
    // Under its name the journal is whole: from here on only its last record can be torn.
    state.rename(kNewJournal, state, kJournal);
    state.sync();
    return {.plan = std::move(plan), .phase = Phase::prepared, .end = end};
}

std::optional<Journal> read_journal(const os::Directory& state) {
    if (!state.status(kJournal)) return std::nullopt;
    const std::unique_ptr<const os::File> file = state.open_file(kJournal);
    RecordReader records{*file, fmt::format("{}/{}", state.path(), kJournal)};
    Header header = records.require(read_header);
    Journal journal;
    journal.plan = std::move(header.plan);
    for (std::size_t i = 0; i < header.swaps; ++i) journal.plan.swaps.push_back(records.require(read_swap));
    const auto read = [&](const Json& record) { return read_operation(record, journal.plan.trees.size()); };
    for (std::size_t i = 0; i < header.operations; ++i)
        journal.plan.operations.push_back(records.require(read));
    while (records.next_decision(journal)) {
    }
    journal.end = records.end();
    return journal;
}

void append(os::Directory& state, Journal& journal, Phase phase, std::string_view reason) {
    const auto* const decision = std::find_if(std::begin(kDecisions), std::end(kDecisions),
                                              [&](const Decision& known) { return known.to == phase; });
    Json record{{"record", decision->name}, {"run", base::escape(journal.plan.run_id)}};
    if (!reason.empty()) record["reason"] = base::escape(reason);
    const std::string line = to_line(record);
    const std::unique_ptr<os::File> file = state.change_file(kJournal);
    if (file->status().size > journal.end) {
        // Synced alone, or a second power loss could mix the torn record with the one that takes its place.
        file->set_size(journal.end);
        file->sync();
    }
    file->write_at(journal.end, base::as_bytes(line));
    file->sync();
    journal.end += line.size();
    journal.phase = phase;
}

void remove_journal(os::Directory& state) {
    const bool unfinished = remove_if_there(state, kNewJournal);
    if (remove_if_there(state, kJournal) || unfinished) state.sync();
}

}  // namespace ft::commit
