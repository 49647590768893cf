#include "system/located_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

#include "ft/base/escape.h"

namespace ft::system {
namespace {

using nlohmann::json;

constexpr std::size_t kMostLevels = 64;
constexpr std::size_t kShown = 200;  // bytes of the library's message; it can quote a whole text

/// Walks the text and tells how far the parser has come: the library's events carry no positions.
class Walk {
public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    Walk(const char* at, const char** reached) : at_{at}, reached_{reached} {}
    reference operator*() const { return *at_; }
    Walk& operator++() {
        *reached_ = ++at_;
        return *this;
    }
    Walk operator++(int) {
        Walk before = *this;
        ++*this;
        return before;
    }
    bool operator==(const Walk& other) const { return at_ == other.at_; }

private:
    const char* at_;
    const char** reached_;
};

/// Notes the line of each value and keys that are written twice.
class Notes : public nlohmann::json_sax<json> {
public:
    Notes(std::string_view text, std::map<std::string, std::size_t>& lines,
          std::vector<LocatedJson::Fault>& faults)
        : reached_{text.data()}, counted_{text.data()}, text_{text}, lines_{lines}, faults_{faults} {}

    const char** reached() { return &reached_; }

    bool null() override { return scalar(); }
    bool boolean(bool) override { return scalar(); }
    bool number_integer(number_integer_t) override { return scalar(); }
    bool number_unsigned(number_unsigned_t) override { return scalar(); }
    bool number_float(number_float_t, const string_t&) override { return scalar(); }
    bool string(string_t&) override { return scalar(); }
    bool binary(binary_t&) override { return scalar(); }
    bool start_object(std::size_t) override { return open(false); }
    bool start_array(std::size_t) override { return open(true); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

    bool key(string_t& name) override {
        Level& level = levels_.back();
        level.key = member(level.name, name);
        const std::size_t line = line_now();
        if (level.keys.insert(name).second) {
            lines_[level.key] = line;
        } else {
            faults_.push_back({line, level.key, "is written twice"});
        }
        return true;
    }

    bool parse_error(std::size_t position, const std::string&,
                     const nlohmann::detail::exception& error) override {
        const std::string_view before = text_.substr(0, position == 0 ? 0 : position - 1);
        const auto line = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
        const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
        std::string_view what = error.what();
        const std::size_t reason = what.find(" - ");
        if (reason != std::string_view::npos) what.remove_prefix(reason + 3);
        faults_.push_back(
            {line, "", fmt::format("column {}: {}", column, base::escape(what.substr(0, kShown)))});
        return false;
    }

private:
    struct Level {
        std::string name;
        bool array = false;
        std::size_t count = 0;  // elements so far
        std::string key;        // the member that comes next, by its whole name
        std::set<std::string> keys;
    };

    /// The parser is at most one character behind the value, which may be the newline.
    std::size_t line_now() {
        if (reached_ - counted_ > 1) {
            line_ += static_cast<std::size_t>(std::count(counted_, reached_ - 1, '\n'));
            counted_ = reached_ - 1;
        }
        return line_;
    }

    std::string begin_value() {
        if (!levels_.empty() && !levels_.back().array) return levels_.back().key;
        std::string name = levels_.empty() ? "" : element(levels_.back().name, levels_.back().count++);
        lines_[name] = line_now();
        return name;
    }

    bool scalar() {
        begin_value();
        return true;
    }

    bool open(bool array) {
        if (levels_.size() == kMostLevels) {
            faults_.push_back({line_now(), "", "nested in more than 64 levels"});
            return false;
        }
        levels_.push_back({begin_value(), array, 0, {}, {}});
        return true;
    }

    bool close() {
        levels_.pop_back();
        return true;
    }

    const char* reached_;
    const char* counted_;
    std::size_t line_ = 1;
    std::string_view text_;
    std::map<std::string, std::size_t>& lines_;
    std::vector<LocatedJson::Fault>& faults_;
    std::vector<Level> levels_;
};

}  // namespace

LocatedJson::LocatedJson(std::string_view text) {
    Notes notes{text, lines_, faults_};
    const Walk first{text.data(), notes.reached()};
    const Walk last{text.data() + text.size(), notes.reached()};
    json::sax_parse(first, last, &notes, json::input_format_t::json, true, true);
    if (faults_.empty()) value_ = json::parse(text, nullptr, true, true);
}

std::size_t LocatedJson::line_of(std::string key) const {
    while (true) {
        const auto found = lines_.find(key);
        if (found != lines_.end()) return found->second;
        const std::size_t end = key.find_last_of(".[");
        if (end == std::string::npos) return key.empty() ? 1 : line_of("");
        key.resize(end);
    }
}

std::string member(const std::string& object, std::string_view key) {
    std::string name = object.empty() ? "" : object + '.';
    name += key;
    return name;
}

std::string element(const std::string& array, std::size_t index) {
    return fmt::format("{}[{}]", array, index);
}

}  // namespace ft::system
