#include "runtime/security/profile_rules.h"

#include <algorithm>
#include <set>

#include "oci/linux_json.h"
#include "runtime/base/error.h"

namespace agentsafe::security {
namespace {

std::string text_of(const json::Value& object, std::string_view member) {
  const json::Value* const value = object.find(member);
  return value != nullptr && value->kind == json::Value::Kind::string ? std::string(value->text) : "";
}

bool same_frame(const oci::Seccomp& a, const oci::Seccomp& b) {
  return a.defaultAction == b.defaultAction && a.defaultErrnoRet == b.defaultErrnoRet && a.flags == b.flags &&
         a.architectures == b.architectures;
}

}  // namespace

ProfileRules read_profile(std::string_view json) {
  const json::Document document = json::parse(json);
  json::Reader reader;
  ProfileRules profile;
  reader.read(document.root(), profile.seccomp);
  reader.finish();
  profile.extends = text_of(document.root(), "extends");
  if (const json::Value* const rules = document.root().find("syscalls"))
    for (const json::Value& rule : *rules) profile.comments.push_back(text_of(rule, "comment"));
  return profile;
}

ProfileRules extended(ProfileRules base, const ProfileRules& changes) {
  if (!same_frame(base.seccomp, changes.seccomp))
    fail("extend the profile " + changes.extends + ": the default action, flags and architectures must be the same");
  std::set<std::string> named;
  for (const auto& rule : changes.seccomp.syscalls) named.insert(rule.names.begin(), rule.names.end());
  ProfileRules all = changes;
  all.extends = base.extends;
  for (std::size_t i = 0; i < base.seccomp.syscalls.size(); ++i) {
    auto& rule = base.seccomp.syscalls[i];
    std::erase_if(rule.names, [&](const std::string& name) { return named.count(name) != 0; });
    if (rule.names.empty()) continue;
    all.seccomp.syscalls.push_back(std::move(rule));
    all.comments.push_back(std::move(base.comments[i]));
  }
  return all;
}

}  // namespace agentsafe::security
