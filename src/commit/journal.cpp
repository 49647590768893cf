#include "commit/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>

#include "commit/lines.h"
#include "commit/records.h"
#include "ft/base/bytes.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::commit {
namespace {

constexpr std::size_t kShownText = 100;  // bytes of a damaged line that an error shows

constexpr std::size_t kPiece = 1024 * 1024;  // bytes that are written at once

struct Step {
    Phase from;
    Phase to;
    std::string_view name;
};
constexpr Step kSteps[] = {{Phase::prepared, Phase::committed, kCommit},
                           {Phase::committed, Phase::done, kDone},
                           {Phase::committed, Phase::rolling_back, kRollback},
                           {Phase::rolling_back, Phase::rolled_back, kRolledBack},
                           {Phase::done, Phase::undoing, kUndoing},
                           {Phase::undoing, Phase::undone, kUndone},
                           {Phase::undoing, Phase::redoing, kRedo},
                           {Phase::redoing, Phase::done, kDone}};

/// The phase that a record begins after `journal`.
Phase next_phase(std::string_view text, const Journal& journal) {
    const Decision decision = read_decision(text);
    for (const Step& step : kSteps) {
        const bool fits = step.name == decision.name && step.from == journal.phase;
        if (fits && decision.run_id == journal.plan.run_id) return step.to;
    }
    throw base::Error{base::ErrorKind::recovery, "it does not belong here"};
}

/// A last line that a power loss explains: its end is missing, or its first sectors are (read as zeros). With
/// its newline, or with something else in that place, it was whole once and the disk has changed it.
bool is_torn(std::string_view line) {
    if (line.front() == '\0') return true;
    return line.back() != '\n' && !text_of(line.substr(0, line.size() - 1));
}

/// Reads record by record.
class RecordReader {
public:
    RecordReader(const os::File& file, std::string path) : lines_{file}, path_{std::move(path)} {}

    /// The next record, which must be there, as `read` makes it of its text.
    template <typename Read>
    auto require(Read&& read) {
        return parse(lines_.next().value_or(""), read);
    }

    /// Reads a decision, or what came of it, into `journal`; false when there is none but perhaps a torn one.
    bool next_decision(Journal& journal) {
        const auto line = lines_.next();
        if (!line || (lines_.at_end() && is_torn(*line))) return false;
        parse(*line, [&](std::string_view text) {
            const auto freeing = journal.name == kDiscarded ? read_freeing(text, journal.plan) : std::nullopt;
            if (freeing) {
                journal.freeing[freeing->tree] = *freeing;
            } else {
                journal.phase = next_phase(text, journal);
            }
        });
        return true;
    }

    /// What has got another name was done before: a record that a power loss tore cannot be its last one.
    void require_committed(const Journal& journal) const {
        constexpr Phase kLater[] = {Phase::done, Phase::undoing, Phase::redoing, Phase::undone};
        if (std::find(std::begin(kLater), std::end(kLater), journal.phase) != std::end(kLater)) return;
        throw damaged(lines_.number(), "its record DONE is missing");
    }

    /// Bytes of whole records so far.
    std::uint64_t end() const { return end_; }

private:
    template <typename Read>
    std::invoke_result_t<Read, std::string_view> parse(std::string_view line, Read&& read) {
        std::string wrong = line.empty() ? "it ends too early" : "the checksum does not fit";
        try {
            const auto text = line.ends_with('\n') ? text_of(line.substr(0, line.size() - 1)) : std::nullopt;
            if (text) {
                end_ = lines_.position();
                return read(*text);
            }
        } catch (const base::Error& error) {
            wrong = error.what();
        }
        throw damaged(lines_.number() - !line.empty(),
                      fmt::format("{}: {}", wrong, base::escape(line.substr(0, kShownText))));
    }

    base::Error damaged(std::uint64_t after, std::string_view wrong) const {
        return {base::ErrorKind::recovery,
                fmt::format("{}: after line {}: {}", base::escape(path_), after, wrong),
                "The journal says how far a commit came; keep it. docs/journal.md, \"When it is damaged\", "
                "says how to finish by hand."};
    }

    LineReader lines_;
    std::string path_;
    std::uint64_t end_ = 0;
};

/// The next operation into `plan`, as far as `extent` wants it.
void read_next(RecordReader& records, OrderedPlan& plan, Extent extent) {
    records.require([&](std::string_view text) { read_operation(text, plan); });
    if (extent == Extent::whole) return;
    plan.moves.clear();
    if (!plan.settings.empty() && !plan.settings.back().path.is_root()) plan.settings.pop_back();
}

/// Appends a record, durable on return; `keep_time`: the file's time stays.
void append_record(os::Directory& state, Journal& journal, std::string_view text, bool keep_time) {
    std::string line;
    append_line(line, text);
    const std::unique_ptr<os::File> file = state.change_file(journal.name);
    const os::Status before = file->status();
    if (before.size > journal.end) {
        // Synced alone, or a second power loss could mix the torn record with the one that takes its place.
        file->set_size(journal.end);
        file->sync();
    }
    file->write_at(journal.end, base::as_bytes(line));
    if (keep_time) file->set_attributes(before.attributes);
    file->sync();
    journal.end += line.size();
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
    std::string pending;
    std::uint64_t end = 0;
    const auto flush = [&] {
        file->write_at(end, base::as_bytes(pending));
        end += pending.size();
        pending.clear();
    };
    const auto add = [&](std::string_view text) {
        append_line(pending, text);
        if (pending.size() >= kPiece) flush();
    };
    add(header_text(plan));
    for (const DatabaseSwap& swap : plan.swaps) add(text_of(swap));
    std::string text;
    for (const Move& move : plan.moves) {
        write(text, move);
        add(text);
    }
    for (const Setting& setting : plan.settings) {
        write(text, setting, plan.extended);
        add(text);
    }
    flush();
    file->sync();
    // Under its name the journal is whole: from here on only its last record can be torn.
    state.rename(kNewJournal, state, kJournal);
    state.sync();
    return {.plan = std::move(plan), .end = end};
}

std::optional<Journal> read_journal(const os::Directory& state, std::string_view name, Extent extent) {
    if (!state.status(name)) return std::nullopt;
    const std::unique_ptr<const os::File> file = state.open_file(name);
    RecordReader records{*file, fmt::format("{}/{}", state.path(), name)};
    Header header = records.require(read_header);
    Journal journal{.name = name, .plan = std::move(header.plan)};
    for (std::size_t i = 0; i < header.swaps; ++i) journal.plan.swaps.push_back(records.require(read_swap));
    for (std::size_t i = 0; i < header.operations; ++i) read_next(records, journal.plan, extent);
    while (records.next_decision(journal)) {
    }
    journal.end = records.end();
    if (name != kJournal) records.require_committed(journal);
    return journal;
}

void append(os::Directory& state, Journal& journal, Phase phase, std::string_view reason) {
    const auto* const step = std::find_if(std::begin(kSteps), std::end(kSteps), [&](const Step& known) {
        return known.from == journal.phase && known.to == phase;
    });
    if (step == std::end(kSteps))
        throw base::Error{base::ErrorKind::internal, "a journal cannot take this step"};
    append_record(state, journal, decision_text({std::string{step->name}, journal.plan.run_id}, reason),
                  journal.phase == Phase::done || journal.is_open_undo());
    journal.phase = phase;
}

void append(os::Directory& state, Journal& journal, const Freeing& freeing) {
    append_record(state, journal, text_of(freeing), false);
    journal.freeing[freeing.tree] = freeing;
}

void cut(os::Directory& state, const Journal& journal) {
    const std::unique_ptr<os::File> file = state.change_file(journal.name);
    const base::Attributes before = file->status().attributes;
    file->set_size(journal.end);
    file->set_attributes(before);
    file->sync();
}

void rename_journal(os::Directory& state, std::string_view from, std::string_view to) {
    state.rename(from, state, to);
    state.sync();
}

void remove_journal(os::Directory& state, std::string_view name) {
    const bool unfinished = remove_if_there(state, kNewJournal);
    if (remove_if_there(state, name) || unfinished) state.sync();
}

}  // namespace ft::commit
