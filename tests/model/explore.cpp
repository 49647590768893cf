#include "model/explore.h"

#include <fmt/format.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <random>
#include <unordered_set>
#include <utility>

#include "ft/base/error.h"
#include "model/host.h"

namespace ft::model {
namespace {

using base::Outcome;
using test::DiskMoment;

constexpr std::size_t kNever = ~std::size_t{0};

/// Something that changes the host, and what it may become by it.
struct Script {
    std::string name;
    DiskMoment start;
    std::function<void(const commit::Decided&)> action;
    std::string old_all;
    std::string new_all;
    std::size_t refused = kNever;  ///< the operation that fails (from 0): it ends as the old
};

/// What the caller was told: nothing yet, or that the outcome is durable.
enum class Told : char { nothing, is_old, is_new };

/// The disk through a script or a recovery.
struct Course {
    std::vector<DiskMoment> moments;
    std::size_t told_at = kNever;  ///< from this moment on
    Told told = Told::nothing;
};

struct Disk {
    DiskMoment moment;
    std::vector<Cut> cuts;
    Told told = Told::nothing;
};

Told told_by(Outcome outcome) {
    switch (outcome) {
        case Outcome::committed:
        case Outcome::undone:
            return Told::is_new;
        case Outcome::rolled_back:
            return Told::is_old;
        default:
            return Told::nothing;
    }
}

class Exploration {
public:
    Exploration(const Pair& pair, const Limits& limits, Counts& counts)
        : host_{pair}, limits_{limits}, counts_{counts} {
        prepare();
    }

    void explore_all() {
        for (const Script& script : scripts_) explore(script);
        ++counts_.pairs;
    }

    void follow(const std::string& name, const std::vector<Cut>& cuts) {
        for (const Script& script : scripts_) {
            if (script.name == name) follow(script, cuts);
        }
    }

private:
    // The scripts, each tried once without any loss.

    void prepare() {
        const std::string live_before = host_.live();
        const commit::Plan plan = host_.stage(host_.after, 1);
        Script commit{"commit", host_.disk.now(), committing(plan), host_.all(), {}};
        add(commit, host_.after, "run-1");
        const std::string live_after = host_.live();
        const DiskMoment kept = host_.disk.now();
        before_run_["run-1"] = live_before;
        add_refused(scripts_.back());

        commit::Plan plain = plan;
        plain.keep_undo = false;
        add({"no-undo", commit.start, committing(plain), commit.old_all, {}}, host_.after, "");
        require(host_.live() == live_after, "a commit without undo store differs from one with");

        const std::string kept_all = scripts_.front().new_all;
        add({"undo", kept, [this](const auto& decided) { host_.undo(decided); }, kept_all, {}}, host_.before,
            "");
        require(host_.live() == live_before, "undone, but not as it was:\n" + host_.live());
        add_refused(scripts_.back());

        add({"discard", kept, [this](const auto&) { host_.discard(); }, kept_all, {}}, host_.after, "");
        require(host_.live() == live_after, "discard has changed what is live");

        host_.disk.restart_from(kept);
        const commit::Plan next = host_.stage(host_.before, 2);
        before_run_["run-2"] = live_after;
        add({"next", host_.disk.now(), committing(next), host_.all(), {}}, host_.before, "run-2");
    }

    std::function<void(const commit::Decided&)> committing(const commit::Plan& plan) {
        return [this, plan](const commit::Decided& decided) { host_.commit(plan, decided); };
    }

    void add(Script script, const Host::Trees& trees, const std::string& store) {
        name_ = script.name;
        cuts_.clear();
        const Course course = run(script);
        require_trees(trees);
        require(host_.store() == store, "the undo store is of " + host_.store());
        script.new_all = host_.all();
        require_tidy(store);
        scripts_.push_back(std::move(script));
        last_ = course;
    }

    /// Of the operations that change what is live one that fails, drawn.
    void add_refused(Script script) {
        std::vector<std::size_t> changes;
        for (std::size_t i = 0; i < last_.told_at && i < last_.moments.size(); ++i) {
            const std::string& kind = last_.moments[i].next();
            if (kind == "rename" || kind == "exchange" || kind == "attributes") changes.push_back(i);
        }
        std::mt19937_64 random{limits_.seed + changes.size()};
        script.name += "-refused";
        script.refused = changes.at(random() % 2 == 0 ? changes.size() - 1 : random() % changes.size());
        try {
            run(script);
        } catch (const base::Error&) {
            return;  // it came before the decision
        }
        name_ = script.name;
        require(host_.all() == script.old_all, "refused, and not as before:\n" + host_.all());
        scripts_.push_back(std::move(script));
    }

    Course run(const Script& script) {
        host_.disk.restart_from(script.start);
        if (script.refused != kNever) host_.disk.fail(script.refused + 1, "", EPERM);
        return course_of(script.action);
    }

    /// The course of `action`, which calls back what it tells.
    Course course_of(const std::function<void(const commit::Decided&)>& action) {
        Course course;
        const std::uint64_t begin = host_.disk.operations();
        course.moments = host_.disk.moments_of([&] {
            action([&](Outcome outcome, const std::string&) {
                course.told = told_by(outcome);
                course.told_at = host_.disk.operations() - begin;
            });
        });
        return course;
    }

    // Losses of power.

    void explore(const Script& script) {
        name_ = script.name;
        cuts_.clear();
        seen_.clear();
        ends_.clear();
        lose(run(script), {});
        std::mt19937_64 random{limits_.seed};
        for (std::size_t done = 0; !disks_.empty() && done < limits_.disks; ++done) {
            std::swap(disks_[random() % disks_.size()], disks_.back());
            const Disk disk = std::move(disks_.back());
            disks_.pop_back();
            cuts_ = disk.cuts;
            lose(recover(script, disk), disk);
        }
        counts_.left += disks_.size();
        disks_.clear();
        counts_.ends += ends_.size();
    }

    void lose(const Course& course, const Disk& from) {
        for (std::size_t at = 0; at < course.moments.size(); ++at) {
            ++counts_.moments;
            const Told told = at >= course.told_at ? course.told : from.told;
            for (auto& fates : losses(course.moments, at, limits_)) {
                ++counts_.losses;
                Disk disk{course.moments[at].after_loss(fates), from.cuts, told};
                if (!seen_.insert(disk.moment.fingerprint() + static_cast<char>(told)).second) continue;
                disk.cuts.push_back({at, std::move(fates)});
                disks_.push_back(std::move(disk));
            }
        }
    }

    Course recover(const Script& script, const Disk& disk) {
        ++counts_.recoveries;
        host_.disk.restart_from(disk.moment);
        try {
            const bool mixture = host_.is_mixture();
            commit::Recovered recovered;
            Course course = course_of([&](const auto& decided) { recovered = host_.recover(decided); });
            require_end(script, recovered, mixture, disk.told);
            return course;
        } catch (const base::Error& error) {
            fail(std::string{"the recovery fails: "} + error.what());
        }
    }

    void require_end(const Script& script, const commit::Recovered& recovered, bool mixture, Told told) {
        const std::string all = host_.all();
        const bool is_old = all == script.old_all;
        const bool is_new = all == script.new_all;
        if (!is_old && !is_new)
            fail(fmt::format("neither old nor new:\n{}\nold:\n{}\nnew:\n{}", all, script.old_all,
                             script.new_all));
        const bool may_go_either_way = script.refused != kNever;
        if (told != Told::nothing)
            require(told == Told::is_new ? is_new : is_old, "the outcome was told already, and is another");
        if (mixture && !may_go_either_way) require(is_new, "taken back without need");
        if (const Told now = told_by(recovered.outcome); now != Told::nothing)
            require(now == Told::is_new ? is_new : is_old, "the recovery tells another outcome");
        require((recovered.outcome == Outcome::unchanged) == recovered.run_id.empty(),
                "not the run that it tells");
        require(recovered.left.empty(), "something is left");
        require(!host_.is_mixture(), "still a mixture");
        const std::uint64_t operations = host_.disk.operations();
        require(host_.recover().outcome == Outcome::unchanged && host_.disk.operations() == operations,
                "there was more to recover");
        if (ends_.insert(host_.disk.now().fingerprint()).second) require_useful();
    }

    /// What may come next succeeds: an undo, and another run.
    void require_useful() {
        const DiskMoment end = host_.disk.now();
        const std::string live = host_.live();
        if (const std::string run = host_.store(); !run.empty()) {
            host_.drop_incoming();
            host_.undo();
            require(host_.live() == before_run_.at(run), "the undo gives another:\n" + host_.live());
            host_.free_staged();
            require_tidy("");
            host_.disk.restart_from(end);
        }
        const Host::Trees& other = host_.trees() == host_.after ? host_.before : host_.after;
        require(host_.commit(host_.stage(other, 3)).outcome == Outcome::committed, "the next run fails");
        require_trees(other);
        require_tidy("run-3");
        host_.undo();
        require(host_.live() == live, "the undo of the next run gives another:\n" + host_.live());
        require_tidy("");
    }

    void require_trees(const Host::Trees& wanted) {
        const Host::Trees found = host_.trees();
        for (std::size_t i = 0; i < wanted.size(); ++i)
            require(found[i] == wanted[i], "is:\n" + show(found[i]) + "wanted:\n" + show(wanted[i]));
    }

    /// Nothing of ft is there but the undo store of `run`.
    void require_tidy(const std::string& run) {
        require(host_.is_tidy(run), "something is left, or missing:\n" + host_.all());
    }

    void follow(const Script& script, const std::vector<Cut>& cuts) {
        name_ = script.name;
        Course course = run(script);
        for (const Cut& cut : cuts) {
            cuts_.push_back(cut);
            const DiskMoment& moment = course.moments.at(cut.moment);
            const Told told = cut.moment >= course.told_at ? course.told : Told::nothing;
            const Disk disk{moment.after_loss(cut.fates), cuts_, told};
            host_.disk.restart_from(disk.moment);
            fmt::print("power lost, next would have been: {}\n{}\n", moment.next(), host_.all());
            course = recover(script, disk);
        }
    }

    void require(bool right, const std::string& otherwise) const {
        if (!right) fail(otherwise);
    }
    [[noreturn]] void fail(const std::string& why) const {
        throw Broken{fmt::format("{}\n--script {} --cuts {}", why, name_, text_of(cuts_))};
    }

    Host host_;
    Limits limits_;
    Counts& counts_;
    std::vector<Script> scripts_;
    std::map<std::string, std::string> before_run_;  // what was live before it
    Course last_;
    std::string name_;
    std::vector<Cut> cuts_;
    std::vector<Disk> disks_;
    std::unordered_set<std::string> seen_;
    std::unordered_set<std::string> ends_;
};

}  // namespace

void explore(const Pair& pair, const Limits& limits, Counts& counts) {
    Exploration{pair, limits, counts}.explore_all();
}

void follow(const Pair& pair, const Limits& limits, const std::string& script, const std::vector<Cut>& cuts) {
    Counts counts;
    Exploration{pair, limits, counts}.follow(script, cuts);
}

}  // namespace ft::model
