// The head's messages as JSON for programs, and their enums as words.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "proto/head.pb.h"

namespace troupe::cli {

// 16 raw bytes as 32 hexadecimal digits; empty for an id that is not set.
std::string IdText(const std::string& bytes);
// A 64-bit id likewise.
std::string IdText(std::uint64_t value);

// "ALIVE" and so on.
std::string StateText(pb::ActorState state);
std::string StateText(pb::JobInfo::State state);
std::string KindText(pb::WorkerInfo::Kind kind);
// Whether its program ran and has ended.
bool HasExitCode(const pb::JobInfo& job);

// Amounts as numbers, not in the units of messages.
nlohmann::json ToJson(const pb::Resources& resources);
nlohmann::json ToJson(const pb::NodeInfo& node);
nlohmann::json ToJson(const pb::Demand& demand);
nlohmann::json ToJson(const pb::ActorInfo& actor);
nlohmann::json ToJson(const pb::WorkerInfo& worker);
nlohmann::json ToJson(const pb::JobInfo& job);
nlohmann::json ToJson(const pb::Status& status);

}  // namespace troupe::cli
