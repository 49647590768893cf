#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "ft/base/acl.h"
#include "ft/base/error.h"
#include "ft/wire/file_list.h"
#include "ft/wire/filters.h"
#include "ft/wire/index.h"
#include "ft/wire/items.h"
#include "ft/wire/sum_head.h"
#include "ft/wire/tokens.h"
#include "wire/recorded_session.h"

namespace ft::test {

inline constexpr std::int32_t kAnyIndex = INT32_MAX;

inline base::Bytes capture(const std::string& name) { return read_data("wire-captures/" + name); }

/// Both directions of a session past their setup, and what the recorder wrote down about it.
struct Session {
    nlohmann::json facts;
    ClientSetup client;
    ServerSetup server;
    Unframed requests;
    Unframed replies;
    wire::ListOptions options;
    base::DigestKind checksum = base::DigestKind::xxh128;
    base::Bytes basis;
    wire::Compression compression = wire::Compression::none;

    explicit Session(const std::string& name, std::size_t piece = 65536)
        : Session{nlohmann::json::parse(base::as_text(capture(name + ".json"))), capture(name + ".c2s.bin"),
                  capture(name + ".s2c.bin"), piece} {}

    /// What came instead of the recorded bytes of a session. Error peer or network.
    Session(nlohmann::json recorded, base::Bytes client_bytes, base::Bytes server_bytes,
            std::size_t piece = 65536)
        : facts(std::move(recorded)) {
        Bytes from_client{std::move(client_bytes), piece};
        Bytes from_server{std::move(server_bytes), piece};
        wire::Reader client_raw{from_client};
        wire::Reader server_raw{from_server};
        client = read_client_setup(client_raw, facts.contains("auth"));
        server = read_server_setup(server_raw, client);
        if (!server.accepted) return;
        const int protocol = std::min(client.greeting.protocol, server.greeting.protocol);
        requests = unframe(client_raw, wire::Direction::to_server, protocol);
        replies = unframe(server_raw, wire::Direction::to_client, protocol);
        options.protocol = protocol;
        options.hard_links = options.acls = options.xattrs = facts.value("name", "").starts_with("special");
        options.incremental = (server.compat & wire::kIncRecurse) != 0;
        if (!client.negotiates_checksum()) checksum = base::DigestKind::md5;
        if (client.compresses())
            compression = wire::choose(wire::compressions(), client.compressions).value_or(compression);
        if (facts.contains("basis")) basis = capture("delta-basis.bin");
    }
};

/// An object as the recorder tells it: octal mode with type, size, seconds.nanoseconds, uid:gid, target.
inline std::string told(const std::string& mode, std::uint64_t size, std::int64_t seconds,
                        std::int64_t nanoseconds, std::uint32_t uid, std::uint32_t gid,
                        std::string_view target) {
    return fmt::format("{} {} {}.{} {}:{} {}", mode, size, seconds, nanoseconds, uid, gid, target);
}

inline std::string told(const base::Object& object) {
    static const std::map<base::FileType, std::uint32_t> kTypes{
        {base::FileType::regular, 0100000},     {base::FileType::directory, 040000},
        {base::FileType::symlink, 0120000},     {base::FileType::character_device, 020000},
        {base::FileType::block_device, 060000}, {base::FileType::fifo, 010000},
        {base::FileType::socket, 0140000}};
    const base::Attributes& attributes = object.attributes;
    return told(fmt::format("{:o}", kTypes.at(object.type) | attributes.mode), object.size,
                attributes.mtime.seconds, attributes.mtime.nanoseconds, attributes.uid, attributes.gid,
                object.link_target);
}

struct RecordedTree {
    std::map<std::string, std::string> objects;
    std::multiset<std::string> contents;  ///< of files: the first 16 hex digits of their sha256
    std::map<std::string, std::string>
        acls;  ///< of what has one that a mode does not tell: as getfacl says it
    /// Of what has some: the names, and the values or, of long ones, their lengths.
    std::map<std::string, std::string> xattrs;
};

inline void expect_extended(RecordedTree& tree, const nlohmann::json& row) {
    const std::string path = row["path"];
    for (const auto& line : row.value("acl", nlohmann::json::array()))
        tree.acls[path] += line.get<std::string>() + "\n";
    std::map<std::string, std::string> xattrs = row.value("xattrs", std::map<std::string, std::string>{});
    for (const auto& [name, value] : xattrs) {
        tree.xattrs[path] +=
            fmt::format("{}={} ", name, value.size() <= 32 ? value : std::to_string(value.size()));
    }
}

inline RecordedTree expected_tree(const Session& session) {
    RecordedTree tree;
    for (const auto& row : session.facts["tree"]) {
        std::string content;
        if (row.is_array()) {  // compact: path, mode, size, mtime, digest
            tree.objects[row[0]] = told(row[1], row[2], row[3], 0, 0, 0, "");
            content = row[4];
        } else {
            const std::string target = row.value("link", "");
            const std::int64_t nanoseconds = session.options.protocol >= 31 ? row.value("mtime_nsec", 0) : 0;
            tree.objects[row["path"]] =
                told(row["mode"], target.empty() ? row.value("size", 0) : target.size(), row["mtime"],
                     nanoseconds, row["uid"], row["gid"], target);
            content = row.value("sha256", "").substr(0, 16);
        }
        // Of the names of a group one is fetched.
        if (!content.empty() && (!session.options.hard_links || !tree.contents.contains(content)))
            tree.contents.insert(content);
        if (row.is_object()) expect_extended(tree, row);
    }
    return tree;
}

/// An ACL as `getfacl -n` says it, one line an entry.
inline std::string told(const base::Acl& acl, std::string_view kind) {
    const auto letters = [](std::uint8_t bits) {
        return fmt::format("{}{}{}", (bits & 4) != 0 ? 'r' : '-', (bits & 2) != 0 ? 'w' : '-',
                           (bits & 1) != 0 ? 'x' : '-');
    };
    std::string text;
    const auto line = [&](std::string_view who, const std::string& id, std::optional<std::uint8_t> bits) {
        if (bits) text += fmt::format("{}{}:{}:{}\n", kind, who, id, letters(*bits));
    };
    const auto named = [&](bool user) {
        for (const base::Acl::Named& each : acl.named) {
            if (each.user == user) line(user ? "user" : "group", std::to_string(each.id), each.permissions);
        }
    };
    line("user", "", acl.user);
    named(true);
    line("group", "", acl.group);
    named(false);
    line("mask", "", acl.mask);
    line("other", "", acl.other);
    return text;
}

/// Plays the client that hears a session's replies, and writes the lists once more.
class Replay {
public:
    explicit Replay(const Session& session)
        : session_{&session},
          source_{session.replies.data, 1},
          in_{source_},
          decompressor_{wire::make_decompressor(session.compression, session.options.protocol)},
          decoder_{session.options, [this](std::int32_t first) { return firsts_.at(first).entry(); }},
          encoder_{session.options} {
        read_list();
        while (!in_.at_end()) read_reply();
    }

    RecordedTree tree;
    bool same_bytes = true;      ///< our encoder wrote each list as it was
    bool same_checksums = true;  ///< each file's content has the checksum that was sent
    std::vector<wire::SumHead> heads;
    std::vector<std::string> values;  ///< of long extended attributes, as they came
    int lists = 0;
    int dones = 0;
    bool lists_ended = false;
    std::int32_t io_error = 0;
    wire::Statistics statistics;
    wire::DeleteStatistics deleted{-1, -1, -1, -1, -1};

private:
    void read_list() {
        const std::size_t begin = session_->replies.data.size() - source_.left();
        wire::Writer again;
        while (auto entry = decoder_.next(in_)) {
            tree.objects[std::string{entry->path}] = told(entry->object);
            note_extended(*entry);
            if (entry->first == numbers_.next) firsts_.emplace(numbers_.next, First{*entry});
            ++numbers_.next;
            if (entry->object.type == base::FileType::directory) entry->object.size = 4096;
            encoder_.write(again, *entry);
        }
        const std::int32_t error = decoder_.io_error() & ~io_error;
        io_error |= error;
        encoder_.write_end(again, error);
        numbers_.end_list();
        const std::size_t end = session_->replies.data.size() - source_.left();
        const auto sent = std::span{session_->replies.data}.subspan(begin, end - begin);
        same_bytes &= std::equal(sent.begin(), sent.end(), again.written().begin(), again.written().end());
        ++lists;
        if (wire::has_id_lists(session_->options)) {
            for (int list = 0; list < 2; ++list) wire::read_ids(in_, session_->options);
        }
    }

    void note_extended(const wire::Entry& entry) {
        const std::string path{entry.path};
        const std::uint32_t mode = entry.object.attributes.mode;
        const base::Acl* const acls[] = {entry.access_acl, entry.default_acl};
        std::string& lines = tree.acls[path];
        for (const base::Acl* acl : acls) {
            if (acl == nullptr) continue;
            const std::string_view kind = acl == entry.default_acl ? "default:" : "";
            lines += told(kind.empty() ? wire::complete(*acl, mode) : *acl, kind);
        }
        if (lines.empty()) tree.acls.erase(path);
        if (entry.xattrs == nullptr) return;
        for (const wire::Xattr& xattr : *entry.xattrs) {
            tree.xattrs[path] += fmt::format("{}={} ", xattr.name,
                                             xattr.is_short() ? xattr.value : std::to_string(xattr.length));
        }
    }

    void read_reply() {
        const std::int32_t index = indices_.read(in_, kAnyIndex, session_->options.incremental);
        if (index <= wire::kFlistOffset) {
            read_list();
        } else if (index == wire::kFlistEof) {
            lists_ended = true;
        } else if (index == wire::kDeleteStats) {
            deleted = wire::read_delete_statistics(in_);
        } else if (index == wire::kDone) {
            if (++dones == lists + 2) statistics = wire::read_statistics(in_);
        } else {
            const wire::Item item = wire::read_item(in_, index, session_->options.xattrs);
            if ((item.flags & wire::kReportXattr) != 0) read_values();
            if ((item.flags & wire::kTransfer) != 0) read_file();
        }
    }

    void read_values() {
        while (in_.varint("step") != 0) {
            const auto length = static_cast<std::size_t>(in_.varint("length", 0, 65536));
            values.push_back(in_.text("value", length));
        }
    }

    void read_file() {
        const wire::SumHead head = wire::read_sum_head(in_, 16);
        heads.push_back(head);
        base::Bytes content;
        wire::TokenReader tokens{in_, head, 1 << 20, decompressor_.get()};
        for (auto token = tokens.next(); token.kind != wire::Token::Kind::end; token = tokens.next()) {
            if (token.kind == wire::Token::Kind::block) {
                const std::uint64_t offset = head.offset_of(token.block);
                const std::uint32_t length = head.length_of(token.block);
                if (offset + length > session_->basis.size()) {
                    throw base::Error{base::ErrorKind::peer, "the head is not that of our basis"};
                }
                token.data = std::span{session_->basis}.subspan(offset, length);
            }
            content.insert(content.end(), token.data.begin(), token.data.end());
        }
        const bool fits = in_.digest("checksum", 16) == base::digest_of(session_->checksum, content);
        same_checksums &= fits;
        tree.contents.insert(base::digest_of(base::DigestKind::sha256, content).hex().substr(0, 16));
    }

    const Session* session_;
    Bytes source_;
    wire::Reader in_;
    std::unique_ptr<wire::Decompressor> decompressor_;
    wire::EntryDecoder decoder_;
    wire::EntryEncoder encoder_;
    wire::IndexReader indices_;
    wire::ListNumbers numbers_{session_->options};
    /// The first name of a group as it came.
    struct First {
        explicit First(const wire::Entry& from) : object{from.object}, target{from.object.link_target} {}
        wire::Entry entry() const {
            wire::Entry entry;
            entry.object = object;
            entry.object.link_target = target;
            return entry;
        }
        base::Object object;
        std::string target;
    };
    std::map<std::int32_t, First> firsts_;
};

/// What the client asked for.
struct Requests {
    std::vector<std::string> filters;
    std::vector<wire::SumHead> heads;
    std::vector<wire::BlockSum> sums;
    std::vector<std::int32_t> values;  ///< numbers of long extended attributes
    int dones = 0;

    explicit Requests(const Session& session) {
        Bytes source{session.requests.data, 3};
        wire::Reader in{source};
        wire::IndexReader indices;
        filters = wire::read_filters(in);
        while (!in.at_end()) {
            const std::int32_t index = indices.read(in, kAnyIndex);
            if (index == wire::kDone) ++dones;
            if (index == wire::kDeleteStats) wire::read_delete_statistics(in);
            if (index < 0) continue;
            const wire::Item item = wire::read_item(in, index, session.options.xattrs);
            if ((item.flags & wire::kReportXattr) != 0) {
                while (const std::int32_t step = in.varint("step")) values.push_back(step);
            }
            if ((item.flags & wire::kTransfer) == 0) continue;
            const wire::SumHead& head = heads.emplace_back(wire::read_sum_head(in, 16));
            for (std::int32_t i = 0; i < head.count; ++i) sums.push_back(wire::read_block_sum(in, head));
        }
    }
};

}  // namespace ft::test
