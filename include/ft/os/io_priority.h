#pragma once

namespace ft::os {

/// From now on reads and writes of this thread, and of threads that it starts, give way to those of others:
/// best-effort class, lowest level, where the disk's scheduler knows priorities. Does nothing
/// where the kernel refuses.
void lower_io_priority() noexcept;

}  // namespace ft::os
