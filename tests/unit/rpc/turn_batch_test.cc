#include "rpc/turn_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/manual_event_loop.h"

namespace troupe::rpc {
namespace {

using ::testing::ElementsAre;

// What TurnBatch uses of a protobuf message.
class Words {
 public:
  Words(std::string text) : text_(std::move(text)) {}
  Words() = default;
  std::size_t ByteSizeLong() const { return text_.size(); }
  Words* add_also() { return &also_.emplace_back(); }
  const std::deque<Words>& also() const { return also_; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::deque<Words> also_;
};

class TurnBatchTest : public ::testing::Test {
 protected:
  using Batch = std::vector<std::string>;

  ManualEventLoop loop_;
  std::vector<Batch> sent_;
  std::optional<TurnBatch<Words>> batch_{std::in_place, loop_, [this](const Words& words) {
                                           sent_.emplace_back();
                                           ForEach(words,
                                                   [this](const Words& one) { sent_.back().push_back(one.text()); });
                                         }};
};

TEST_F(TurnBatchTest, SendsWhatIsSaidInOneTurnAsOneMessageInItsOrder) {
  for (const char* text : {"a", "b", "c"}) batch_->Add(Words(text));
  EXPECT_TRUE(sent_.empty());
  loop_.RunPosted();
  batch_->Add(Words("d"));
  loop_.RunPosted();
  EXPECT_THAT(sent_, ElementsAre(Batch{"a", "b", "c"}, Batch{"d"}));
}

TEST_F(TurnBatchTest, FlushSendsNowAndNothingTwice) {
  batch_->Flush();
  batch_->Add(Words("a"));
  batch_->Flush();
  EXPECT_THAT(sent_, ElementsAre(Batch{"a"}));
  batch_->Add(Words("b"));
  loop_.RunPosted();
  EXPECT_THAT(sent_, ElementsAre(Batch{"a"}, Batch{"b"}));
}

TEST_F(TurnBatchTest, WhatWouldBeTooLongGoesInSeveral) {
  const std::string half(TurnBatch<Words>::kMaxBytes / 2, 'x');
  for (int i = 0; i < 3; ++i) batch_->Add(Words(half));
  loop_.RunPosted();
  EXPECT_THAT(sent_, ElementsAre(Batch{half, half}, Batch{half}));
}

TEST_F(TurnBatchTest, WhatIsNotSentWhenItGoesIsForgotten) {
  batch_->Add(Words("a"));
  batch_.reset();
  loop_.RunPosted();
  EXPECT_TRUE(sent_.empty());
}

}  // namespace
}  // namespace troupe::rpc
