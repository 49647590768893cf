#include "ft/fetch/host_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "fetch/tree_pull.h"
#include "ft/base/bytes.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/records/tree_roots.h"
#include "ft/system/host_name.h"

namespace ft::fetch {
namespace {

const std::string kEtc = "/etc";
const std::string kSysconfig = "/etc/sysconfig/network";
constexpr std::size_t kLargestFile = 16 << 20;
constexpr std::size_t kShownNames = 20;

bool lies_in(const std::string& path, const std::string& directory) {
    return path == directory || path.starts_with(directory + '/');
}

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::string names(const char* what, const std::vector<std::string>& all) {
    std::vector<std::string> shown;
    for (std::size_t i = 0; i < std::min(kShownNames, all.size()); ++i) shown.push_back(base::escape(all[i]));
    if (all.size() > kShownNames) shown.push_back(fmt::format("and {} more", all.size() - kShownNames));
    return fmt::format("    {} that only this server has are removed: {}\n", what, fmt::join(shown, ", "));
}

void put(staging::Staging& staging, const os::Directory& live, const std::string& path,
         const std::string& content, const base::Attributes& attributes) {
    const base::RelPath at{path};
    const bool there = !staging.is_new(at) && live.status(path).has_value();
    const auto slot = staging.create_file(at, there ? staging::Over::something : staging::Over::nothing,
                                          base::DigestKind::xxh128, nullptr);
    slot->append(base::as_bytes(content));
    slot->finish(attributes, there ? live.extended(path) : std::string{});
}

}  // namespace

HostFiles::HostFiles(os::Machine& machine, const system::Description& system,
                     const system::Manifest& manifest)
    : machine_{machine},
      system_{system},
      manifest_{manifest},
      root_{machine.open_root_to_read(system.root)},
      kept_{system::kept_paths(*root_, system)} {
    if (system.accounts && manifest.accounts) plan_accounts(*manifest.accounts);
    if (manifest.public_hostname) plan_name(*manifest.public_hostname);
}

HostFiles::~HostFiles() {
    if (let_go_) return;
    try {
        if (staging_) {
            staging_->give_up();
            staging_.reset();
            staging::close_reserved(*etc_, state_);
        }
        if (state_ != nullptr) records::remove_tree_roots(machine_, *state_, system_.below_root(kEtc));
    } catch (const base::Error& error) {
        base::log_warning("{}", error.what());  // the next start removes it
    }
}

void HostFiles::plan_accounts(const system::AccountFiles& source) {
    accounts_before_ = system::read_accounts(*root_);
    accounts_ = system::merge(source, accounts_before_);
    findings_ = accounts_->findings;
    warnings_ = accounts_->warnings;
    const system::AccountFiles& files = accounts_->files;
    plan_account_file("/etc/passwd", files.passwd, false);
    plan_account_file("/etc/shadow", files.shadow, true);
    plan_account_file("/etc/group", files.group, false);
    plan_account_file("/etc/gshadow", files.gshadow, true);
    plan_account_file("/etc/subuid", files.subuid, false);
    plan_account_file("/etc/subgid", files.subgid, false);
}

void HostFiles::plan_account_file(const char* path, const std::vector<std::string>& lines, bool secret) {
    const auto at = place(path, findings_);
    if (!at) return;
    std::string text;
    for (const std::string& line : lines) text += line + '\n';
    const auto before = content(*at);
    if (text == before.value_or("")) return;
    // Debian lets the group shadow read the secret ones.
    const auto shadow = accounts()->group_id("shadow");
    plan(path, *at, std::move(text), secret ? (shadow ? 0640 : 0600) : 0644, secret ? shadow.value_or(0) : 0);
    if (!secret) {
        files_.back().attributes.mode = 0644;
        files_.back().attributes.uid = files_.back().attributes.gid = 0;
    }
}

void HostFiles::plan_name(const std::string& name) {
    name_ = name;
    const auto write = [&](const char* path, bool always, const auto& make) {
        const auto at = place(path, warnings_);
        const auto before = at ? content(*at) : std::nullopt;
        if (!at || (!before && !always)) return;
        std::string after = make(before.value_or(""));
        if (after != before) plan(path, *at, std::move(after), 0644);
    };
    std::string called = system_.root == "/" ? machine_.host_name() : "";
    write("/etc/hostname", true, [&](const std::string& before) {
        const std::string named = system::host_name_in(before);
        if (!named.empty()) called = named;
        return named == *name_ ? before : *name_ + '\n';
    });
    write("/etc/hosts", true, [&](const std::string& before) {
        return system::hosts_with(before.empty() ? "127.0.0.1\tlocalhost\n" : before, called, name);
    });
    write("/etc/mailname", false, [&](const std::string&) { return name + '\n'; });
    write(kSysconfig.c_str(), false,
          [&](const std::string& before) { return system::sysconfig_with(before, *name_); });
}

bool HostFiles::is_kept_file(const std::string& path) const {
    return std::any_of(system_.keep_files.begin(), system_.keep_files.end(),
                       [&](const std::string& kept) { return lies_in(path, kept); });
}

std::optional<std::string> HostFiles::place(const std::string& path, std::vector<std::string>& why_not) {
    const std::vector<std::string> way = system::follow_links(*root_, path);
    if (way.empty() || !lies_in(way.back(), kEtc)) {
        why_not.push_back(path + ": is a link that leads out of /etc, where ft writes nothing");
        return std::nullopt;
    }
    if (is_kept_file(path) || is_kept_file(way.back())) {
        why_not.push_back(path + ": would be written by this run, but keep.files of system.json names it");
        return std::nullopt;
    }
    // Red Hat's file holds addresses too, which stay.
    if (path != kSysconfig) written_.insert(written_.end(), way.begin(), way.end());
    return way.back();
}

std::optional<std::string> HostFiles::content(const std::string& path) const {
    if (!root_->status(path.substr(1))) return std::nullopt;
    return os::read_all(*root_, path.substr(1), kLargestFile);
}

/// What is there keeps its owner and mode.
void HostFiles::plan(const std::string& named, const std::string& path, std::string content,
                     std::uint32_t new_mode, std::uint32_t new_group) {
    base::Attributes attributes{.mode = new_mode, .uid = 0, .gid = new_group};
    if (const auto status = root_->status(path.substr(1))) attributes = status->attributes;
    attributes.mtime = {machine_.clock().wall_seconds(), 0};
    files_.push_back({path, named, std::move(content), attributes});
}

std::string HostFiles::summary() const {
    std::string text;
    if (accounts_) {
        text += "    users and groups: the source's come, root stays\n";
        if (!accounts_->removed_users.empty()) text += names("users", accounts_->removed_users);
        if (!accounts_->removed_groups.empty()) text += names("groups", accounts_->removed_groups);
    }
    const bool renamed = host_name() || std::any_of(files_.begin(), files_.end(), [](const File& file) {
                             return file.named == "/etc/hostname";
                         });
    if (renamed) text += fmt::format("    host name: becomes {}\n", base::escape(*name_));
    return text;
}

std::unique_ptr<os::Accounts> HostFiles::accounts() const {
    auto known = machine_.accounts(system_.root);
    return accounts_ ? system::accounts_after(*accounts_, accounts_before_, std::move(known))
                     : std::move(known);
}

std::optional<commit::TreeChanges> HostFiles::stage(const std::vector<std::unique_ptr<TreePull>>& trees,
                                                    os::Directory& state) {
    const auto holder = [&](const std::string& directory) -> TreePull* {
        TreePull* found = nullptr;
        for (const auto& tree : trees) {
            const bool deeper =
                found == nullptr || tree->described().path.size() > found->described().path.size();
            if (deeper && tree->covers(directory)) found = tree.get();
        }
        return found;
    };
    const std::string path = system_.below_root(kEtc);
    std::vector<std::string> made;
    for (const File& file : files_) {
        TreePull* tree = holder(directory_of(file.path));
        if (tree == nullptr) tree = holder(kEtc);
        if (tree != nullptr) {
            put(tree->staging(), tree->root(), *system::path_in_tree(tree->described(), file.path),
                file.content, file.attributes);
            continue;
        }
        if (!staging_) {
            state_ = &state;
            made = records::make_tree_root(machine_, state, path);
            etc_ = machine_.open_root(path);
            staging_.emplace(*etc_, staging::open_reserved(*etc_, state_),
                             commit::kept_generations(state, *etc_));
        }
        put(*staging_, *etc_, file.path.substr(kEtc.size() + 1), file.content, file.attributes);
    }
    if (!staging_) return std::nullopt;
    commit::TreeChanges changes{path, staging_->finish(), std::move(made)};
    staging_->sync();
    return changes;
}

std::optional<commit::HostName> HostFiles::host_name() const {
    if (!name_ || system_.root != "/" || machine_.host_name() == *name_) return std::nullopt;
    return commit::HostName{machine_.host_name(), *name_};
}

void HostFiles::tell_kept(Report& report) const {
    if (accounts_) report.kept.push_back({"account", "root", "root's password"});
    for (const system::KeptPath& kept : kept_) {
        const bool ours = std::find(written_.begin(), written_.end(), kept.path) != written_.end();
        if (!kept.exists || ours) continue;
        const bool covered =
            std::any_of(system_.trees.begin(), system_.trees.end(), [&](const system::TreeDescription& tree) {
                const auto within = system::path_in_tree(tree, kept.path);
                if (!within || *within == ".") return false;
                tree::Rules rules;
                for (const std::string& pattern : tree.exclude) rules.exclude(pattern);
                for (const auto& facts : manifest_.trees) {
                    if (facts.name != tree.name) continue;
                    for (const std::string& pattern : facts.exclude) rules.exclude(pattern);
                }
                return !rules.hides(*within, false);
            });
        if (covered)
            report.kept.push_back({kept.group.empty() ? "file" : "host setting", kept.path, kept.group});
    }
}

}  // namespace ft::fetch
