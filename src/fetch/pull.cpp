#include "fetch/pull.h"

#include <utility>

namespace ft::fetch {

void add(rsync::Pulled pulled, rsync::Pulled& sum) {
    pulled.vanished += sum.vanished;
    pulled.bytes_literal += sum.bytes_literal;
    pulled.bytes_matched += sum.bytes_matched;
    pulled.adopted_files += sum.adopted_files;
    pulled.adopted_bytes += sum.adopted_bytes;
    pulled.differing_files += sum.differing_files;
    sum = std::move(pulled);
}

std::string origin_of(const system::Manifest& manifest, const std::string& module) {
    return manifest.machine.empty() ? "" : manifest.machine + ' ' + module;
}

}  // namespace ft::fetch
