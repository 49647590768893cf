#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "ft/base/escape.h"
#include "ft/system/accounts.h"
#include "system/account_lines.h"
#include "system/account_numbers.h"
#include "system/subordinate_ids.h"

namespace ft::system {
namespace {

constexpr const char* kRoot = "root";
constexpr const char* kShadowed = "x";  // as the password in passwd or group: it is in shadow or gshadow
constexpr const char* kNoPassword = "!";

/// Where an account of the result comes from.
enum class From {
    own,   ///< root, and what has its number here
    here,  ///< only here, and stays
    both,
    source,  ///< only there
};

struct Merged {
    From from = From::here;
    NumberedLine line{};
    std::optional<AccountLine> shadow{};  ///< its line in shadow or gshadow
};

/// The result's users, or groups: those from here in their order, then the new ones in the source's.
struct MergedList {
    std::vector<Merged> items{};
    std::map<std::string, std::size_t> by_name{};

    Merged& add(From from, NumberedLine line) {
        by_name.emplace(line.name(), items.size());
        items.push_back({from, std::move(line)});
        return items.back();
    }
    Merged* find(const std::string& name) {
        const auto at = by_name.find(name);
        return at == by_name.end() ? nullptr : &items[at->second];
    }
    bool has(const std::string& name) const { return by_name.contains(name); }
};

void set_id(NumberedLine& line, std::uint32_t id) {
    line.id = id;
    line.fields[kIdField] = std::to_string(id);
}

class Merge {
public:
    Merge(const AccountFiles& source, const AccountFiles& here) : there_{parse(source)}, here_{parse(here)} {}

    MergedAccounts run() {
        result_.findings = there_.faults();
        for (const ParsedAccounts* side : {&there_, &here_}) {
            const auto repeated = side->repeated();
            result_.warnings.insert(result_.warnings.end(), repeated.begin(), repeated.end());
        }
        find_what_comes();
        merge_users();
        merge_groups();
        set_first_groups();
        set_members();
        set_passwords();
        write();
        return std::move(result_);
    }

private:
    void find_what_comes();
    void merge_users();
    void merge_groups();
    void add_new(const char* what, const ParsedFile<NumberedLine>& lines, const std::set<std::string>& come,
                 AccountNumbers& numbers, MergedList& list, std::vector<std::string>& added);
    bool keeps_line(const Merged& user) const;
    std::set<std::uint32_t> needed_groups() const;
    std::set<std::string> groups_to_make() const;
    void set_first_groups();
    std::uint32_t group_of_its_own(const NumberedLine& user);
    void set_members();
    std::vector<std::string> members_of(const Merged& group) const;
    bool member_stays(const std::string& name, const ParsedAccounts& side) const;
    void set_passwords();
    void write();
    std::vector<std::string> ranges(const ParsedFile<RangeLine>& source, const ParsedFile<RangeLine>& here,
                                    const char* path);

    ParsedAccounts there_;
    ParsedAccounts here_;
    std::set<std::string> users_come_;  // of the source
    std::set<std::string> groups_come_;
    AccountNumbers user_numbers_;
    AccountNumbers group_numbers_;
    MergedList users_;
    MergedList groups_;
    MergedAccounts result_;
};

/// Another name for root would make root's password a matter of the source.
void Merge::find_what_comes() {
    const auto look = [&](const char* what, const ParsedFile<NumberedLine>& lines,
                          std::set<std::string>& come) {
        for (const NumberedLine& line : lines.lines) {
            if (line.id != 0 || line.name() == kRoot) {
                come.insert(line.name());
            } else {
                result_.warnings.push_back(
                    fmt::format("{} {} has the number 0 at the source and does not come", what,
                                base::escape(line.name())));
            }
        }
    };
    look("user", there_.users, users_come_);
    look("group", there_.groups, groups_come_);
}

void Merge::merge_users() {
    for (const NumberedLine& ours : here_.users.lines) {
        user_numbers_.take(ours.id);
        const bool comes = users_come_.contains(ours.name());
        if (comes && ours.id != 0) user_numbers_.map(there_.users.find(ours.name())->id, ours.id);
        if (ours.id == 0 || ours.name() == kRoot) {
            users_.add(From::own, ours);
        } else if (comes) {
            NumberedLine line = *there_.users.find(ours.name());
            if (!is_regular(ours.id) && !is_regular(line.id)) line = ours;
            set_id(line, ours.id);
            users_.add(From::both, line);
        } else if (!is_regular(ours.id)) {
            users_.add(From::here, ours);
        } else {
            result_.removed_users.push_back(ours.name());
        }
    }
    add_new("user", there_.users, users_come_, user_numbers_, users_, result_.added_users);
}

/// But for the password it is as it was here.
bool Merge::keeps_line(const Merged& user) const {
    if (user.from != From::both) return user.from != From::source;
    return !is_regular(user.line.id) && !is_regular(there_.users.find(user.line.name())->id);
}

/// Numbers of groups here that users who keep their line have as their first.
std::set<std::uint32_t> Merge::needed_groups() const {
    std::set<std::uint32_t> needed{0};
    for (const Merged& user : users_.items) {
        if (keeps_line(user)) needed.insert(user.line.group);
    }
    return needed;
}

/// Names of users whose first group the source does not have, or is root's here: an earlier run may have made
/// groups for them.
std::set<std::string> Merge::groups_to_make() const {
    std::set<std::uint32_t> known{0};
    for (const NumberedLine& group : there_.groups.lines) {
        const NumberedLine* const ours = here_.groups.find(group.name());
        const bool is_roots = ours != nullptr && ours->id == 0;
        if (groups_come_.contains(group.name()) && !is_roots) known.insert(group.id);
    }
    std::set<std::string> names;
    for (const Merged& user : users_.items) {
        const std::string& name = user.line.name();
        if (!keeps_line(user) && !known.contains(there_.users.find(name)->group)) names.insert(name);
    }
    return names;
}

void Merge::merge_groups() {
    const std::set<std::uint32_t> needed = needed_groups();
    const std::set<std::string> to_make = groups_to_make();
    for (const std::uint32_t id : needed) group_numbers_.take(id);
    group_numbers_.map(0, 0);
    for (const NumberedLine& ours : here_.groups.lines) {
        group_numbers_.take(ours.id);
        const bool comes = groups_come_.contains(ours.name());
        if (comes && ours.id != 0) group_numbers_.map(there_.groups.find(ours.name())->id, ours.id);
        const auto& removed = result_.removed_users;
        const bool private_one = std::find(removed.begin(), removed.end(), ours.name()) != removed.end();
        if (ours.id == 0 || ours.name() == kRoot) {
            groups_.add(From::own, ours);
        } else if (comes) {
            NumberedLine line = *there_.groups.find(ours.name());
            set_id(line, ours.id);
            groups_.add(From::both, line);
        } else if (needed.contains(ours.id) || to_make.contains(ours.name()) ||
                   (!is_regular(ours.id) && !private_one)) {
            groups_.add(From::here, ours);
        } else {
            result_.removed_groups.push_back(ours.name());
        }
    }
    add_new("group", there_.groups, groups_come_, group_numbers_, groups_, result_.added_groups);
}

/// Those that only the source has: first all that keep their numbers, then those that must give way.
void Merge::add_new(const char* what, const ParsedFile<NumberedLine>& lines,
                    const std::set<std::string>& come, AccountNumbers& numbers, MergedList& list,
                    std::vector<std::string>& added) {
    std::map<std::string, std::uint32_t> ids;
    const auto each_new = [&](const auto& action) {
        for (const NumberedLine& line : lines.lines) {
            const bool is_new =
                come.contains(line.name()) && !list.has(line.name()) && !ids.contains(line.name());
            if (is_new) action(line);
        }
    };
    const auto give = [&](const NumberedLine& line, std::uint32_t id) {
        numbers.take(id);
        numbers.map(line.id, id);
        ids.emplace(line.name(), id);
    };
    each_new([&](const NumberedLine& line) {
        // Two names of one number stay two names of one number.
        if (const auto shared = numbers.ours(line.id)) {
            give(line, *shared);
        } else if (!numbers.is_taken(line.id)) {
            give(line, line.id);
        }
    });
    each_new([&](const NumberedLine& line) {
        const auto shared = numbers.ours(line.id);
        const auto id = shared ? shared : numbers.free_one(line.id);
        if (id) return give(line, *id);
        result_.findings.push_back(
            fmt::format("{} {}: its number {} is taken on this server, and none is free", what,
                        base::escape(line.name()), line.id));
    });
    for (const NumberedLine& line : lines.lines) {
        const auto id = ids.find(line.name());
        if (id == ids.end()) continue;
        NumberedLine ours = line;
        set_id(ours, id->second);
        list.add(From::source, std::move(ours));
        added.push_back(line.name());
    }
}

/// The first groups of users whose line is the source's, by the group's name.
void Merge::set_first_groups() {
    for (Merged& user : users_.items) {
        if (keeps_line(user)) continue;
        const NumberedLine& theirs = *there_.users.find(user.line.name());
        const auto mapped = group_numbers_.ours(theirs.group);
        user.line.group = mapped ? *mapped : group_of_its_own(theirs);
        user.line.fields[kUserGroupField] = std::to_string(user.line.group);
    }
}

/// For a user whose first group the source does not have: another group's number must not make it a member.
std::uint32_t Merge::group_of_its_own(const NumberedLine& user) {
    result_.warnings.push_back(
        fmt::format("user {}: the source has no group of the number {}, its first one: here "
                    "that is the group {}",
                    base::escape(user.name()), user.group, base::escape(user.name())));
    if (const Merged* const group = groups_.find(user.name())) return group->line.id;
    const auto id = group_numbers_.is_taken(user.group) ? group_numbers_.free_one(user.group) : user.group;
    if (!id) {
        result_.findings.push_back(
            fmt::format("user {}: no number is free for its group", base::escape(user.name())));
        return user.group;
    }
    group_numbers_.take(*id);
    NumberedLine line;
    line.fields = {user.name(), kShadowed, "", ""};
    set_id(line, *id);
    groups_.add(From::here, line);
    result_.added_groups.push_back(user.name());
    return *id;
}

/// In the result, or a name of a directory service: `side`, which names it, has no such account.
bool Merge::member_stays(const std::string& name, const ParsedAccounts& side) const {
    return users_.has(name) || !side.users.has(name);
}

std::vector<std::string> Merge::members_of(const Merged& group) const {
    const std::string& name = group.line.name();
    std::vector<std::string> members;
    const auto add = [&](const std::string& member) {
        if (std::find(members.begin(), members.end(), member) == members.end()) members.push_back(member);
    };
    const auto find_user = [&](const std::string& member) {
        const auto at = users_.by_name.find(member);
        return at == users_.by_name.end() ? nullptr : &users_.items[at->second];
    };
    if (group.from == From::both || group.from == From::source) {
        for (const std::string& member : split_members(there_.groups.find(name)->fields[kMembersField])) {
            if (member_stays(member, there_)) add(member);
        }
    }
    if (group.from == From::source || !here_.groups.has(name)) return members;
    for (const std::string& member : split_members(here_.groups.find(name)->fields[kMembersField])) {
        const Merged* const user = find_user(member);
        switch (group.from) {
            case From::own:
                if (member_stays(member, here_)) add(member);
                break;
            case From::here:  // who of a release's services belongs to its groups is the release's affair
                if (user != nullptr ? !is_regular(user->line.id) : member_stays(member, here_)) add(member);
                break;
            default:
                if (user != nullptr && user->from == From::here) add(member);
        }
    }
    return members;
}

void Merge::set_members() {
    for (Merged& group : groups_.items) group.line.fields[kMembersField] = join_members(members_of(group));
}

/// Takes the password of `from`, a line of one side, and its line in that side's shadow or gshadow. One that
/// is missing is made if `makes`. `hidden`: the result has such a file.
void take_password(Merged& to, const NumberedLine& from, const ParsedFile<AccountLine>& shadow, bool hidden,
                   bool makes, std::size_t fields) {
    std::string password = from.fields[kPasswordField];
    to.line.fields[kPasswordField] = password;
    if (!hidden) return;
    if (const AccountLine* const line = shadow.find(from.name())) {
        to.shadow = *line;
    } else if (makes) {
        if (password == kShadowed) password = kNoPassword;
        AccountLine made;
        made.fields.resize(fields);
        made.fields.front() = from.name();
        made.fields[kPasswordField] = password;
        to.shadow = std::move(made);
        to.line.fields[kPasswordField] = kShadowed;
    }
}

void Merge::set_passwords() {
    constexpr std::size_t kShadowFields = 9;
    constexpr std::size_t kGshadowFields = 4;
    const bool shadow = !there_.shadow.lines.empty() || !here_.shadow.lines.empty();
    for (Merged& user : users_.items) {
        const std::string& name = user.line.name();
        if (user.from == From::both || user.from == From::source) {
            take_password(user, *there_.users.find(name), there_.shadow, shadow, there_.shadow.lines.empty(),
                          kShadowFields);
        } else if (const AccountLine* const line = here_.shadow.find(name)) {
            user.shadow = *line;
        }
    }
    const bool gshadow = !there_.gshadow.lines.empty() || !here_.gshadow.lines.empty();
    for (Merged& group : groups_.items) {
        const std::string name = group.line.name();
        const bool theirs = group.from == From::both || group.from == From::source;
        const NumberedLine made = group.line;  // of a group that neither side has
        const NumberedLine* line = theirs ? there_.groups.find(name) : here_.groups.find(name);
        // Always made: which side a group is of, and what else that has, differs in the next run.
        take_password(group, line != nullptr ? *line : made, theirs ? there_.gshadow : here_.gshadow, gshadow,
                      true, kGshadowFields);
        if (!group.shadow) continue;
        std::vector<std::string> administrators = split_members(group.shadow->fields[kAdministratorField]);
        std::erase_if(administrators,
                      [&](const std::string& user) { return !member_stays(user, theirs ? there_ : here_); });
        group.shadow->fields[kAdministratorField] = join_members(administrators);
        group.shadow->fields[kMembersField] = group.line.fields[kMembersField];
    }
}

/// The lines of passwd and shadow, or group and gshadow: those of shadow in the order that it has here.
void write_lines(const MergedList& list, const ParsedFile<NumberedLine>& here,
                 const ParsedFile<AccountLine>& here_shadow, std::vector<std::string>& lines,
                 std::vector<std::string>& shadow_lines) {
    std::vector<std::pair<std::size_t, std::string>> shadow;
    for (const Merged& item : list.items) {
        lines.push_back(item.line.text());
        if (!item.shadow) continue;
        const auto at = here_shadow.by_name.find(item.line.name());
        const std::size_t place = at == here_shadow.by_name.end() ? here_shadow.lines.size() : at->second;
        shadow.emplace_back(place, item.shadow->text());
    }
    std::stable_sort(shadow.begin(), shadow.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [place, text] : shadow) shadow_lines.push_back(std::move(text));
    lines.insert(lines.end(), here.others.begin(), here.others.end());
    shadow_lines.insert(shadow_lines.end(), here_shadow.others.begin(), here_shadow.others.end());
}

void Merge::write() {
    AccountFiles& files = result_.files;
    write_lines(users_, here_.users, here_.shadow, files.passwd, files.shadow);
    write_lines(groups_, here_.groups, here_.gshadow, files.group, files.gshadow);
    files.subuid = ranges(there_.subuid, here_.subuid, "/etc/subuid");
    files.subgid = ranges(there_.subgid, here_.subgid, "/etc/subgid");
}

/// The name of the user that a line of subuid means by a name or a number; nothing when `users` have none.
std::optional<std::string> owner_in(const std::vector<NumberedLine>& users, const std::string& owner) {
    const auto by = [&](std::size_t field) {
        return std::find_if(users.begin(), users.end(),
                            [&](const NumberedLine& line) { return line.fields[field] == owner; });
    };
    auto user = by(0);
    if (user == users.end()) user = by(kIdField);
    return user == users.end() ? std::nullopt : std::optional{user->name()};
}

std::vector<std::string> Merge::ranges(const ParsedFile<RangeLine>& source, const ParsedFile<RangeLine>& here,
                                       const char* path) {
    std::vector<NumberedLine> users;
    users.reserve(users_.items.size());
    for (const Merged& user : users_.items) users.push_back(user.line);
    const auto comes = [&](const std::string& name) {
        const Merged* const user = users_.find(name);
        return user != nullptr && (user->from == From::both || user->from == From::source);
    };
    const auto come = [&](const std::string& owner) -> std::optional<std::string> {
        const auto theirs = owner_in(there_.users.lines, owner);
        if (theirs) {
            if (!comes(*theirs)) return std::nullopt;
            return owner == *theirs ? owner : users_.find(*theirs)->line.fields[kIdField];
        }
        // Somebody of a directory service, unless that is the name or number of somebody else here.
        return owner_in(users, owner) ? std::nullopt : std::optional{owner};
    };
    const auto stays = [&](const std::string& owner) {
        const auto now = owner_in(users, owner);
        return now ? !comes(*now) : !owner_in(here_.users.lines, owner);
    };
    return merge_ranges(source, here, come, stays, path, result_.warnings);
}

}  // namespace

MergedAccounts merge(const AccountFiles& source, const AccountFiles& here) {
    return Merge{source, here}.run();
}

}  // namespace ft::system
