#include "ft/cli/cli.h"

int main(int argc, char** argv) {
    const auto machine = ft::os::make_machine();
    return ft::cli::run(*machine, {argv + 1, argv + argc});
}
