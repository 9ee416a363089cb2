#include <iterator>
#include <utility>

#include "troupe/internal/argument_reader.h"
#include "troupe/internal/argument_writer.h"
#include "troupe/internal/throw.h"

namespace troupe::internal {
namespace {

template <class T>
void MoveTail(std::vector<T>* from, std::size_t start, std::vector<T>* to) {
  const auto begin = from->begin() + static_cast<std::ptrdiff_t>(start);
  to->assign(std::make_move_iterator(begin), std::make_move_iterator(from->end()));
  from->erase(begin, from->end());
}

}  // namespace

void ArgumentWriter::AddRef(const ObjectPtr& object) {
  if (!object) {
    ThrowUsage("argument " + std::to_string(position_ + 1) +
               " of a call is an empty ObjectRef; pass one that a call, a task or Put has returned");
  }
  arguments_.refs.emplace_back(position_++, object);
}

void ArgumentWriter::EndValue(const Mark& mark) {
  Runtime& runtime = Runtime::Get();
  Payload& values = arguments_.values;
  if (values.bytes.size() - mark.bytes <= runtime.inline_limit()) {
    ++position_;
    return;
  }
  Payload large;
  if (mark.bytes == 0) {
    large.bytes.swap(values.bytes);
  } else {
    large.bytes = values.bytes.substr(mark.bytes);
    values.bytes.resize(mark.bytes);
  }
  MoveTail(&values.objects, mark.objects, &large.objects);
  MoveTail(&values.actors, mark.actors, &large.actors);
  AddRef(runtime.Put(std::move(large)));
}

void ArgumentReader::RethrowForArgument(const SerializationError& error) const {
  ErrorInfo info = error.info();
  info.outcome = Outcome::kNotExecuted;
  info.message = "argument " + std::to_string(position_) + ": " + info.message;
  throw SerializationError(std::move(info));
}

void ArgumentReader::Finish() const {
  if (offset_ == values_.size() && resolved_.empty()) return;
  ErrorInfo info;
  info.kind = ErrorKind::kBadArguments;
  info.outcome = Outcome::kNotExecuted;
  info.message = "the call has more arguments than the function's " + std::to_string(position_) + " (" +
                 std::to_string(values_.size() - offset_) + " bytes and " + std::to_string(resolved_.size()) +
                 " objects are left over); caller and callee must be built from the same declaration";
  throw SerializationError(std::move(info));
}

}  // namespace troupe::internal
