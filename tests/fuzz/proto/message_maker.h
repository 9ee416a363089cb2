// MessageMaker: messages of proto/ made from a fuzzer's bytes, well typed and with values that mean something.
//
// Random bytes rarely parse, and what parses names nothing that exists. Here the schema says which fields there are,
// and pools say what to put into them: ids that are known, ids that are not, ids of a wrong length, amounts at their
// limits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <google/protobuf/message_lite.h>

#include "tests/fuzz/input.h"

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
}  // namespace google::protobuf

namespace troupe::fuzz {

// What fields are filled from. None may be empty.
struct Pools {
  std::vector<std::string> ids;          // for fields of 16 bytes
  std::vector<std::uint64_t> processes;  // for fixed64: processes and jobs
  std::vector<std::string> texts;        // for all other bytes
};

class MessageMaker {
 public:
  // Any message of the schema, whatever the input says, sets only fields that it has.
  template <class Message>
  static Message Make(Input* input, const Pools& pools) {
    Message message;
    Change(input, pools, &message);
    return message;
  }
  // Sets, replaces and adds to fields of `message`.
  static void Change(Input* input, const Pools& pools, google::protobuf::MessageLite* message);

 private:
  static void Write(const google::protobuf::Descriptor& type, Input* input, const Pools& pools, int depth,
                    std::string* out);
  static void WriteField(const google::protobuf::FieldDescriptor& field, Input* input, const Pools& pools, int depth,
                         std::string* out);
  static std::string Text(const google::protobuf::FieldDescriptor& field, Input* input, const Pools& pools);
};

}  // namespace troupe::fuzz
