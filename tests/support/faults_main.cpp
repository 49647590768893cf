// ft with a machine that fails as the environment says (faults.h). FT_FAULT_COUNT_FILE names a file that is
// given the number of steps that were counted.

#include <fstream>

#include "ft/cli/cli.h"
#include "support/faults.h"

int main(int argc, char** argv) {
    const auto real = ft::os::make_machine();
    ft::test::FaultyMachine machine{*real, ft::test::read_fault(*real)};
    const auto count_file = real->environment("FT_FAULT_COUNT_FILE");
    const int status = ft::cli::run(machine, {argv + 1, argv + argc});
    if (count_file) std::ofstream{*count_file} << machine.steps() << '\n';
    return status;
}
