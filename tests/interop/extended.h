#pragma once

#include <string>

#include "interop/difficult.h"

namespace ft::test {

/// Everything that getfacl and getfattr say of a tree.
inline std::string extended_by_tools(os::Machine& machine, const std::string& path) {
    const std::string script =
        "cd \"$1\" && find . -path ./.ft-staging -prune -o ! -type l -print0 | LC_ALL=C sort -z | "
        "xargs -0 getfacl -n -P && find . -path ./.ft-staging -prune -o -print0 | LC_ALL=C sort -z | "
        "xargs -0 getfattr -h -d -m - -e hex";
    const os::Finished finished = run(machine, {"sh", "-c", script, "sh", path});
    if (finished.status != 0) throw std::runtime_error{finished.errors};
    return finished.output;
}

/// Runs a script in the tree, and gives it back its times.
inline void change_by_tools(os::Machine& machine, os::Directory& root, const std::string& script) {
    const os::Finished finished = run(machine, {"sh", "-ec", "cd \"$1\"\n" + script, "sh", root.path()});
    if (finished.status != 0) throw std::runtime_error{finished.errors};
}

/// ACLs and extended attributes on all kinds of objects of make_difficult, of short and long values.
constexpr const char* kGiveExtended = R"sh(
setfacl -m u:1:rw,u:54321:r,g:2:x big
setfacl -m u:7:- setuid
setfacl -m m::r "before 1970"
setfacl -m u:1:rwx,d:u:1:rwx,d:g:54321:r sub
setfacl -m d:u:2:r,d:m::rwx sub/deep
setfacl -m u:1:r pipe
setfattr -n user.short -v "short value" big
setfattr -n user.empty stranger
setfattr -n user.long -v "$(head -c 3000 /dev/zero | tr '\0' L)" big
setfattr -n user.long -v "$(head -c 3000 /dev/zero | tr '\0' L)" sub/deep/file
setfattr -n user.other -v "$(head -c 33 /dev/zero | tr '\0' M)" sub/deep/file
setfattr -n user.a -v "$(head -c 40 /dev/zero | tr '\0' A)" sub
setfattr -n trusted.both -v t setuid
setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 setuid
setfattr -h -n trusted.link -v "of the link" link
setfattr -n trusted.pipe -v "$(head -c 64 /dev/zero | tr '\0' P)" pipe
setfattr -n user.three -v names "many names"
)sh";
constexpr const char* kChangeExtended = R"sh(
setfacl -x u:1 big
setfacl -b setuid
setfacl -m d:u:1:r sub
setfacl -k sub/deep
setfattr -n user.long -v "$(head -c 3001 /dev/zero | tr '\0' L)" big
setfattr -x user.other sub/deep/file
setfattr -h -x trusted.link link
setfattr -n user.three -v "new names" "many names"
setfattr -n user.new -v new sub/empty
chown 3 setuid
setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 setuid
)sh";

}  // namespace ft::test
