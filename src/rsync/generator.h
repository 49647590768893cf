#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "ft/tree/compare.h"
#include "ft/tree/rules.h"
#include "ft/wire/frames.h"
#include "ft/wire/index.h"
#include "ft/wire/sum_head.h"
#include "rsync/session.h"

namespace ft::rsync {

/// Compares what is wanted with the live tree, stages what needs no content, and asks for content. It only
/// writes.
class Generator {
public:
    /// `indices`: as the requests so far have left them.
    Generator(const Session& session, const tree::Listing& live, const tree::Rules& rules,
              wire::FrameWriter& out, const wire::IndexWriter& indices);

    /// Compares and does nothing. Error unfit.
    Need measure();
    /// After measure: whether run may request anything.
    bool may_ask() const { return may_ask_; }
    /// Stages and requests, then says goodbye, and waits for the end of the answers. After measure, on its
    /// own thread.
    void run();

    // After run: what an earlier run had staged, and was not asked for.
    std::uint64_t adopted_files() const { return adopted_files_; }
    std::uint64_t adopted_bytes() const { return adopted_bytes_; }
    // After measure, when content is verified: files on both sides, and those that only the checksum tells
    // apart.
    std::uint64_t verified_files() const { return verified_files_; }
    std::uint64_t differing_files() const { return differing_files_; }

private:
    void compare(const std::function<void(const tree::Difference&)>& report) const;
    void count_verified();
    void count(const tree::Difference& found, Need& need);
    void note_touched(const tree::Difference& difference);
    void act(const tree::Difference& found);
    void make_file(std::size_t wanted, const tree::Difference& found, const tree::Difference& difference);
    void adopt(std::size_t wanted, staging::Over over);
    void finish_links();
    void copy(std::size_t wanted, std::size_t from);
    void keep_time(std::size_t live);
    void set_attributes(std::size_t wanted, std::size_t live);
    void request(std::size_t index, staging::Over over, bool live_file);
    void ask_again(const Requests::Request& request);
    void write_request(const Requests::Request& request, const os::File* basis);
    void write_block_sums(const wire::SumHead& head, const os::File& basis);
    void end_phase(int dones);

    Session session_;
    const tree::Listing& live_;
    const tree::Rules& rules_;
    wire::FrameWriter& out_;
    wire::IndexWriter indices_;
    wire::StrongSum strong_;
    bool may_ask_ = false;
    bool asked_ = false;         // for any content
    std::vector<bool> adopted_;  // by wanted index: files that an earlier pull has staged
    std::uint64_t adopted_files_ = 0;
    std::uint64_t adopted_bytes_ = 0;
    std::uint64_t verified_files_ = 0;
    std::uint64_t differing_files_ = 0;
    struct Copy {
        std::uint32_t wanted;
        std::uint32_t from;  // wanted name of the live file that has the content
    };
    std::vector<Copy> copies_;
    std::vector<bool> touched_;  // by live index: directories whose time the commit will change
};

}  // namespace ft::rsync
