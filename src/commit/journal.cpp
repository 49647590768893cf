#include "commit/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
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

constexpr std::pair<Phase, std::string_view> kDecisions[] = {{Phase::committed, kCommit},
                                                             {Phase::rolling_back, kRollback},
                                                             {Phase::done, kDone},
                                                             {Phase::rolled_back, kRolledBack}};

/// True when `next` may be written after `phase`.
bool may_follow(Phase phase, Phase next) {
    switch (next) {
        case Phase::prepared:
            return false;
        case Phase::committed:
            return phase == Phase::prepared;
        case Phase::rolling_back:
        case Phase::done:
            return phase == Phase::committed;
        case Phase::rolled_back:
            return phase == Phase::rolling_back;
    }
    return false;
}

/// Moves `journal` on to the phase that a record begins.
Phase read_decision(const Json& record, Journal& journal) {
    for (const auto& [next, name] : kDecisions) {
        if (record.at("record") != name || !may_follow(journal.phase, next)) continue;
        if (record.at("run") != base::escape(journal.plan.run_id)) break;
        return journal.phase = next;
    }
    throw base::Error{base::ErrorKind::recovery, "it does not belong here"};
}

/// A last line that a power loss explains: its end is missing, or its first sectors are (read as zeros). With
/// its newline, or with something else in that place, it was whole once and the disk has changed it.
bool is_torn(std::string_view line) {
    if (line.front() == '\0') return true;
    return line.back() != '\n' && !from_line(line.substr(0, line.size() - 1));
}

/// Reads record by record and knows where it stands, for errors.
class RecordReader {
    std::optional<LineReader::Line> next_line() {
        ++number_;
        return lines_.next();
    }

    [[noreturn]] void damaged(std::string_view line, std::string_view why) const {
        const std::string shown = line.empty() ? "" : ": " + base::escape(line.substr(0, kShownText));
        throw base::Error{
            base::ErrorKind::recovery, fmt::format("{}: line {}: {}{}", shown_path_, number_, why, shown),
            "The journal says how far a commit came; keep it. docs/journal.md, \"When it is damaged\", "
            "says how to finish by hand."};
    }

    template <typename Read>
    auto parse(std::string_view line, Read&& read) {
        std::optional<Json> record;
        if (line.back() == '\n') record = from_line(line.substr(0, line.size() - 1));
        if (!record) damaged(line, "its checksum does not fit");
        try {
            auto value = read(*record);
            end_ = lines_.position();
            return value;
        } catch (const nlohmann::json::exception&) {
            damaged(line, "it is not as the format has it");
        } catch (const base::Error& error) {
            damaged(line, error.what());
        }
    }

public:
    RecordReader(const os::File& file, std::string shown_path)
        : lines_{file}, shown_path_{std::move(shown_path)} {}

    /// The next record, which must be there, as `read` makes it of JSON.
    template <typename Read>
    auto require(Read&& read) {
        const auto line = next_line();
        if (!line) damaged({}, "it ends too early");
        return parse(line->text, read);
    }

    /// The next decision, if there is one that is not torn.
    bool next_decision(Journal& journal) {
        const auto line = next_line();
        if (!line || (line->last && is_torn(line->text))) return false;
        parse(line->text, [&](const Json& record) { return read_decision(record, journal); });
        return true;
    }

    /// Bytes of whole records so far.
    std::uint64_t end() const { return end_; }

private:
    LineReader lines_;
    std::string shown_path_;
    std::uint64_t number_ = 0;
    std::uint64_t end_ = 0;
};

std::string shown_path(const os::Directory& state) {
    return fmt::format("{}/{}", base::escape(state.path()), kJournal);
}

Header header_of(const OrderedPlan& plan) {
    return {.run_id = plan.run_id,
            .trees = plan.trees,
            .swaps = plan.swaps.size(),
            .operations = plan.operations.size()};
}

bool remove_if_there(os::Directory& state, std::string_view name) {
    const bool there = state.status(name).has_value();
    if (there) state.remove(name);
    return there;
}

}  // namespace

Journal write_journal(os::Directory& state, OrderedPlan plan) {
    remove_if_there(state, kNewJournal);
    const std::unique_ptr<os::File> file = state.create_file(kNewJournal);
    LineWriter lines{*file};
    lines.write(to_line(to_json(header_of(plan))));
    for (const DatabaseSwap& swap : plan.swaps) lines.write(to_line(to_json(swap)));
    for (const Operation& operation : plan.operations) lines.write(to_line(to_json(operation)));
    const std::uint64_t end = lines.finish();
    file->sync();
    // Under its name the journal is whole: from here on only its last record can be torn.
    state.rename(kNewJournal, state, kJournal);
    state.sync();
    return {.plan = std::move(plan), .phase = Phase::prepared, .end = end};
}

std::optional<Journal> read_journal(const os::Directory& state) {
    if (!state.status(kJournal)) return std::nullopt;
    const std::unique_ptr<const os::File> file = state.open_file(kJournal);
    RecordReader records{*file, shown_path(state)};
    Header header = records.require(read_header);
    Journal journal;
    journal.plan.run_id = std::move(header.run_id);
    journal.plan.trees = std::move(header.trees);
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
                                              [&](const auto& known) { return known.first == phase; });
    Json record{{"record", decision->second}, {"run", base::escape(journal.plan.run_id)}};
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
