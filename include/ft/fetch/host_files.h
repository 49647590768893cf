#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ft/commit/commit.h"
#include "ft/fetch/report.h"
#include "ft/os/machine.h"
#include "ft/staging/staging.h"
#include "ft/system/accounts.h"
#include "ft/system/description.h"
#include "ft/system/host_settings.h"
#include "ft/system/manifest.h"

namespace ft::fetch {

class TreePull;

/// What of the destination is its own, and the files of it that a run writes itself: accounts, where they
/// come across, and the host name. Everything is found out when it is made; nothing is changed before the
/// commit.
class HostFiles {
public:
    HostFiles(os::Machine& machine, const system::Description& system, const system::Manifest& manifest);
    /// Removes what is staged, unless it was handed over.
    ~HostFiles();
    HostFiles(const HostFiles&) = delete;
    HostFiles& operator=(const HostFiles&) = delete;

    /// What would make the run fail, and what the admin must know; one line each, escaped.
    const std::vector<std::string>& findings() const { return findings_; }
    const std::vector<std::string>& warnings() const { return warnings_; }
    /// Lines for the question whether all this shall be replaced; empty when nothing of the host is.
    std::string summary() const;

    /// What no pull may touch.
    const std::vector<system::KeptPath>& kept() const { return kept_; }
    /// Whose the trees' files are after the run.
    std::unique_ptr<os::Accounts> accounts() const;

    /// Stages the files that change, each in the staging of the tree that holds its directory, once that is
    /// fetched. Those that no tree holds are staged in /etc: changes of their own, durable. `state` knows
    /// what earlier runs need there, and outlives this.
    std::optional<commit::TreeChanges> stage(const std::vector<std::unique_ptr<TreePull>>& trees,
                                             os::Directory& state);
    /// The kernel's name, where the run changes it.
    std::optional<commit::HostName> host_name() const;
    /// The commit has decided, and cleans staging up itself.
    void let_go() { let_go_ = true; }

    /// Adds to a report what stays here although a tree covers it.
    void tell_kept(Report& report) const;

private:
    struct File {
        std::string path;   // absolute, below the system's root, free of links
        std::string named;  // as it is called, perhaps by a link
        std::string content;
        base::Attributes attributes;
    };
    void plan_accounts(const system::AccountFiles& source);
    void plan_account_file(const char* path, const std::vector<std::string>& lines, bool secret);
    void plan_name(const std::string& name);
    /// Where a file of this name lies; nothing when it may not be written (a finding, or a warning).
    std::optional<std::string> place(const std::string& path, std::vector<std::string>& why_not);
    std::optional<std::string> content(const std::string& path) const;
    void plan(const std::string& named, const std::string& path, std::string content, std::uint32_t new_mode,
              std::uint32_t new_group = 0);
    bool is_kept_file(const std::string& path) const;

    os::Machine& machine_;
    const system::Description& system_;
    const system::Manifest& manifest_;
    std::unique_ptr<const os::Directory> root_;  // of the system
    const std::vector<system::KeptPath> kept_;
    system::AccountFiles accounts_before_;
    std::optional<system::MergedAccounts> accounts_;
    std::optional<std::string> name_;
    std::vector<std::string> written_;  // names of files that are the run's, whether they change or not
    std::vector<File> files_;           // that change
    std::vector<std::string> findings_;
    std::vector<std::string> warnings_;
    std::unique_ptr<os::Directory> etc_;
    os::Directory* state_ = nullptr;           // once something is staged in /etc
    std::optional<staging::Staging> staging_;  // in /etc
    bool let_go_ = false;
};

}  // namespace ft::fetch
