#include "fetch/metered.h"

#include <utility>

namespace ft::fetch {

Metered::Metered(const Route& route, base::Progress& progress, Reach& reach, std::uint64_t& received,
                 std::uint64_t& sent)
    : connection_{route.connect()},
      goodbyes_{route.goodbyes},
      heard_{route.heard},
      progress_{progress},
      listed_before_{progress.files_listed},
      reach_{reach},
      received_{received},
      sent_{sent} {}

std::size_t Metered::read_some(std::span<std::byte> into) {
    const std::size_t length = connection_->read_some(into);
    if (length > 0) heard_ = true;
    return length;
}

void Metered::count() {
    received_ += connection_->bytes_received();
    sent_ += connection_->bytes_sent();
}

void Metered::done() {
    count();
    goodbyes_.hear(std::move(connection_));
}

Metered::~Metered() {
    reach_.listed(progress_.files_listed - listed_before_);
    if (!connection_) return;
    count();
    progress_.files_wanted = progress_.files_done.load();
    progress_.bytes_wanted = progress_.bytes_done.load();
}

}  // namespace ft::fetch
