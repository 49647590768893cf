// BOOTSTRAP: replaced by the memory disk.
