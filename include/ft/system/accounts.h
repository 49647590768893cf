#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ft/os/machine.h"
#include "ft/system/manifest.h"

namespace ft::system {

// Users and groups of the source on this machine ("accounts" of system.json).
//
// A system account has a number below 1000 or from 65534 on; any other is a regular one. The same holds for
// groups.

/// The account files below `root`; a last line without its newline is a line. Error io when one cannot be
/// read.
AccountFiles read_accounts(const os::Directory& root);

/// Lines that are no accounts ("/etc/passwd, line 7: ..."), escaped. Blank lines and comments are none.
std::vector<std::string> account_faults(const AccountFiles& files);

/// This machine's accounts after a run. Names are bytes as the files have them.
struct MergedAccounts {
    AccountFiles files{};
    std::vector<std::string> removed_users{};  ///< regular ones that the source does not have
    std::vector<std::string> removed_groups{};
    std::vector<std::string> added_users{};
    std::vector<std::string> added_groups{};
    std::vector<std::string> warnings{};  ///< one line each, escaped
    std::vector<std::string> findings{};  ///< as warnings; each would make the result wrong
};

/// The accounts of `source` on a machine that has those of `here`.
///
/// Root stays as it is here, and so does every other account with its number. A name on both sides keeps its
/// number here, since files outside of the trees have it. Of a regular account everything else comes from the
/// source; of one that is a system account on both sides only the password, since home and shell fit the
/// release. A name that only the source has comes with its number where nobody here has or had it, else with
/// a free one of its kind; with a number 0 it does not come. A name that only this machine has stays if it is
/// a system account, or a group that is needed as one's first group; else it is removed, and with a user its
/// group of the same name.
///
/// Members of a group are the source's, and of ours the system accounts that only this machine has; of a
/// group that only this machine has, its system accounts. A member that neither side's files know (from a
/// directory service) stays where the group's members come from. Subordinate ids come with their users; where
/// they overlap those of an account that only this machine has, they are moved. What is no account here
/// ("+" of NIS, comments) stays at the end of its file. Merging the result again changes nothing.
MergedAccounts merge(const AccountFiles& source, const AccountFiles& here);

/// Names and numbers of `merged`; what neither it nor the files `here` had before know, `others` answers.
std::unique_ptr<os::Accounts> accounts_after(const MergedAccounts& merged, const AccountFiles& here,
                                             std::unique_ptr<os::Accounts> others);

}  // namespace ft::system
