// ft with a machine that fails as the environment says (faults.h). FT_FAULT_COUNT_FILE names a file that is
// given the number of steps that were counted.

#include <cstdlib>
#include <fstream>
#include <new>

#include "ft/cli/cli.h"
#include "support/faults.h"

namespace {

void* allocate_or_null(std::size_t size) {
    return ft::test::fails_to_allocate() ? nullptr : std::malloc(size == 0 ? 1 : size);
}

void* allocate(std::size_t size) {
    void* const memory = allocate_or_null(size);
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate_or_null(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate_or_null(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

int main(int argc, char** argv) {
    const auto real = ft::os::make_machine();
    ft::test::FaultyMachine machine{*real, ft::test::read_fault(*real)};
    const auto count_file = real->environment("FT_FAULT_COUNT_FILE");
    const int status = ft::cli::run(machine, {argv + 1, argv + argc});
    if (count_file) std::ofstream{*count_file} << machine.steps() << '\n';
    return status;
}
