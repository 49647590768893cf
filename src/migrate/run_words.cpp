#include "migrate/run_words.h"

#include <fmt/format.h>

#include "ft/base/escape.h"
#include "ft/database/database.h"
#include "ft/ui/format.h"

namespace ft::migrate {

std::string phase_sentence(const system::Manifest& manifest, bool final_run) {
    const std::string source = base::escape(manifest.host_name);
    if (!manifest.live) return fmt::format("This is a final run: production is stopped at {}.", source);
    if (final_run) {
        return fmt::format("This is a final run: production goes on at {} until most is here.", source);
    }
    return fmt::format("This is a rehearsal: production goes on at {}.", source);
}

std::string replaced_here(os::Machine& machine, const system::Description& system,
                          const system::Manifest& manifest, base::Cancellation& cancellation) {
    std::string text = fmt::format("\nThis run makes this server ({}) a replica of {}. It replaces here:\n",
                                   base::escape(machine.host_name()), base::escape(manifest.host_name));
    for (const auto& tree : system.trees) {
        text += fmt::format("    tree {}: {}\n", tree.name, base::escape(system.below_root(tree.path)));
    }
    for (const auto& facts : manifest.databases) {
        const auto size = database::current_size(fetch::access_to(machine, system, facts), cancellation);
        text += fmt::format("    database {}: {}\n", base::escape(facts.name),
                            size ? ui::bytes(*size) + " now" : "not here yet");
    }
    return text;
}

std::string progress_line(const fetch::Progress& now) {
    std::string line = fmt::format("Fetched {} of {}, {}", ui::bytes(now.bytes_done),
                                   ui::bytes(now.bytes_wanted), ui::count(now.files_done, "file", "files"));
    if (now.bytes_checked > 0)
        line += fmt::format(", {} of an earlier run checked", ui::bytes(now.bytes_checked));
    if (now.bytes_verified > 0) line += fmt::format(", {} here compared", ui::bytes(now.bytes_verified));
    return line;
}

}  // namespace ft::migrate
