#include "migrate/traffic.h"

namespace ft::migrate {

void Traffic::stop(ui::Console& console, base::Cancellation& cancellation) {
    cancellation.check();
    const std::lock_guard lock{mutex_};
    if (stopped_since_) return;
    stopped_since_ = machine_.clock().now();
    console.say("Production traffic is stopped until ft ends here.");
}

}  // namespace ft::migrate
