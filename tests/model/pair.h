#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/replica.h"

namespace ft::model {

/// What is at a place, as a letter: '-' nothing, 'd' directory, 'f' and 'g' files of two contents, 'h' a file
/// with two names (the two 'h' of a tree; a single one is a file of the same content), 'l' and 'k' symlinks,
/// 'c' and 'b' devices, 'p' FIFO, 's' socket.
struct Place {
    std::string path;
    char before = '-';
    char after = '-';
    bool attributes = false;  ///< they differ although the letter is the same ('h': of the whole group)
    bool operator==(const Place&) const = default;
};

/// A tree before and after a run, and what else the run changes. As text: "a:f>d a/b:->f .:d>d* +db".
struct Pair {
    std::vector<Place> places;  ///< parents first
    bool database = false;      ///< "+db"
    bool host_name = false;     ///< "+name"
    bool second_tree = false;   ///< "+etc": on a file system of its own

    /// std::invalid_argument when it is none.
    static Pair parse(std::string_view text);
    std::string text() const;
    Replica before() const;
    Replica after() const;
};

}  // namespace ft::model
