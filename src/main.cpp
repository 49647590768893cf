#include <malloc.h>

#include "ft/cli/cli.h"

int main(int argc, char** argv) {
    // What one thread allocates another frees: in an arena each, the holes that this leaves are of no use.
    ::mallopt(M_ARENA_MAX, 1);
    const auto machine = ft::os::make_machine();
    return ft::cli::run(*machine, {argv + 1, argv + argc});
}
