#include "runtime/criu/options.h"

#include "runtime/base/error.h"

namespace agentsafe::criu {
namespace {

// The two kinds of fields that rpc.proto uses: a number, and bytes with their length in front.
enum Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

class Fields {
 public:
  void number(unsigned field, std::uint64_t value) {
    raw(field << 3U | varint);
    raw(value);
  }
  void text(unsigned field, std::string_view value) {
    raw(field << 3U | bytes);
    raw(value.size());
    out_ += value;
  }
  void pair(unsigned field, std::string_view first, std::string_view second) {
    Fields inner;
    inner.text(1, first);
    inner.text(2, second);
    text(field, inner.out_);
  }
  [[nodiscard]] const std::string& encoded() const { return out_; }

 private:
  void raw(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) out_ += static_cast<char>(value | 0x80U);
    out_ += static_cast<char>(value);
  }
  std::string out_;
};

template <class Member>
struct Row {
  unsigned field;  // in criu_opts
  Member Options::*member;
};
constexpr Row<bool> switches[] = {
    {3, &Options::leave_running},   {4, &Options::ext_unix_sk},         {5, &Options::tcp_established},
    {6, &Options::evasive_devices}, {7, &Options::shell_job},           {8, &Options::file_locks},
    {12, &Options::notify},         {15, &Options::track_memory},       {16, &Options::auto_dedup},
    {18, &Options::link_remap},     {26, &Options::restore_as_sibling}, {46, &Options::tcp_skip_in_flight},
    {48, &Options::lazy_pages},     {50, &Options::orphan_pts_master},  {52, &Options::tcp_close},
};
constexpr Row<std::string> texts[] = {
    {10, &Options::log_file},          {13, &Options::root},        {14, &Options::parent_images},
    {44, &Options::freeze_cgroup},     {51, &Options::config_file}, {53, &Options::lsm_profile},
    {63, &Options::lsm_mount_context},
};
constexpr Row<std::vector<Pair>> pairs[] = {
    {23, &Options::external_mounts}, {25, &Options::cgroup_roots}, {39, &Options::join_namespaces}};

std::uint64_t widened(std::int32_t value) { return static_cast<std::uint64_t>(std::int64_t{value}); }

void add_numbers(Fields& fields, const Options& options) {
  fields.number(1, widened(options.images_dir));
  if (options.pid != 0) fields.number(2, widened(options.pid));
  fields.number(9, widened(options.log_level));
  if (options.work_dir >= 0) fields.number(17, widened(options.work_dir));
  fields.number(34, static_cast<std::uint64_t>(options.cgroup_mode));
  if (options.empty_namespaces != 0) fields.number(38, options.empty_namespaces);
  if (options.network_lock != NetworkLock::automatic)
    fields.number(64, static_cast<std::uint64_t>(options.network_lock));
}

std::string encode(const Options& options) {
  Fields fields;
  add_numbers(fields, options);
  for (const auto& row : switches)
    if (options.*row.member) fields.number(row.field, 1);
  for (const auto& row : texts)
    if (!(options.*row.member).empty()) fields.text(row.field, options.*row.member);
  for (const auto& row : pairs)
    for (const auto& [first, second] : options.*row.member) fields.pair(row.field, first, second);
  for (const auto& name : options.external) fields.text(37, name);
  for (const auto& [name, fd] : options.inherited_fds) {
    Fields inherited;
    inherited.text(1, name);
    inherited.number(2, widened(fd));
    fields.text(27, inherited.encoded());
  }
  if (options.page_server_port != 0) {
    Fields server;
    server.text(1, options.page_server_address);
    server.number(2, widened(options.page_server_port));
    fields.text(11, server.encoded());
  }
  return fields.encoded();
}

// The fields of a message one after the other: number or text, as its kind says.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}
  bool next() {
    if (in_.empty()) return false;
    const std::uint64_t key = raw();
    field = static_cast<unsigned>(key >> 3U);
    switch (key & 7U) {
      case varint: number = raw(); break;
      case bytes: text = take(raw()); break;
      case fixed64: take(8); break;
      case fixed32: take(4); break;
      default: broken();
    }
    return true;
  }
  unsigned field = 0;
  std::uint64_t number = 0;
  std::string_view text;

 private:
  [[noreturn]] static void broken() { fail("criu's answer is no message of its protocol"); }
  std::string_view take(std::uint64_t size) {
    if (size > in_.size()) broken();
    const auto head = in_.substr(0, size);
    in_.remove_prefix(size);
    return head;
  }
  std::uint64_t raw() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1).front());
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
    broken();
  }
  std::string_view in_;
};

std::uint32_t version_of(std::string_view message) {
  std::uint32_t version = 0;
  for (Reader reader(message); reader.next();) {
    const auto number = static_cast<std::uint32_t>(reader.number);
    if (reader.field == 1) version += number * 10000;
    if (reader.field == 2) version += number * 100;
    if (reader.field == 4) version += number;
  }
  return version;
}

void read_inner(Answer& answer, unsigned field, std::string_view message) {
  constexpr unsigned restored = 4, notification = 5, features = 8;
  for (Reader reader(message); reader.next();) {
    const bool first = reader.field == 1;
    if ((field == restored && first) || (field == notification && !first))
      answer.pid = static_cast<std::int32_t>(reader.number);
    if (field == notification && first) answer.script = reader.text;
    if (field == features && first) answer.tracks_memory = reader.number != 0;
    if (field == features && reader.field == 2) answer.has_lazy_pages = reader.number != 0;
  }
}

}  // namespace

std::string encode_request(Request type, const Options* options) {
  Fields request;
  request.number(1, static_cast<std::uint64_t>(type));
  if (options != nullptr) request.text(2, encode(*options));
  return request.encoded();
}

std::string encode_feature_check() {
  Fields features;
  features.number(1, 1);
  features.number(2, 1);
  Fields request;
  request.number(1, static_cast<std::uint64_t>(Request::feature_check));
  request.text(5, features.encoded());
  return request.encoded();
}

std::string encode_notify_answer(bool success) {
  Fields request;
  request.number(1, static_cast<std::uint64_t>(Request::notify));
  request.number(3, success ? 1 : 0);
  return request.encoded();
}

Answer decode_answer(std::string_view bytes) {
  Answer answer;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.field) {
      case 1: answer.type = static_cast<Request>(reader.number); break;
      case 2: answer.success = reader.number != 0; break;
      case 7: answer.error_number = static_cast<std::int32_t>(reader.number); break;
      case 9: answer.error_text = reader.text; break;
      case 10: answer.version = version_of(reader.text); break;
      default: read_inner(answer, reader.field, reader.text);
    }
  }
  return answer;
}

CgroupMode cgroup_mode(const std::string& word) {
  if (word.empty()) return CgroupMode::automatic;
  if (word == "soft") return CgroupMode::soft;
  if (word == "full") return CgroupMode::full;
  if (word == "strict") return CgroupMode::strict;
  if (word == "ignore") return CgroupMode::ignore;
  fail("--manage-cgroups-mode " + word + ": expected soft, full, strict or ignore");
}

NetworkLock network_lock(const std::string& word) {
  if (word.empty()) return NetworkLock::automatic;
  if (word == "iptables") return NetworkLock::iptables;
  if (word == "nftables") return NetworkLock::nftables;
  if (word == "skip") return NetworkLock::skip;
  fail("--network-lock " + word + ": expected iptables, nftables or skip");
}

}  // namespace agentsafe::criu
