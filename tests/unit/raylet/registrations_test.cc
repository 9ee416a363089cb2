#include "raylet/links/registrations.h"

#include <gtest/gtest.h>

#include <optional>

#include "common/manual_event_loop.h"

namespace troupe::raylet {
namespace {

class RegistrationsTest : public ::testing::Test {
 protected:
  using Answer = std::shared_ptr<std::optional<Result<pb::ActorReply>>>;

  Answer Add(const std::string& class_name, pb::RegisterActor* sent) {
    pb::RegisterActorRequest request;
    request.mutable_spec()->set_class_name(class_name);
    auto answer = std::make_shared<std::optional<Result<pb::ActorReply>>>();
    *sent = registrations_.Add(request, [answer](Result<pb::ActorReply> reply) { *answer = std::move(reply); });
    return answer;
  }

  ManualEventLoop loop_;
  Registrations registrations_{loop_};
  pb::RegisterActor first_;
  pb::RegisterActor second_;
};

TEST_F(RegistrationsTest, GivesEachAnswerToWhoAsked) {
  const Answer a = Add("A", &first_);
  const Answer b = Add("B", &second_);
  EXPECT_EQ(second_.actor().spec().class_name(), "B");
  pb::ActorRegistered answer;
  answer.set_request(second_.request());
  answer.mutable_reply()->set_existed(true);
  registrations_.OnAnswer(answer);
  EXPECT_FALSE(a->has_value());
  ASSERT_TRUE(b->has_value() && (*b)->ok());
  EXPECT_TRUE((**b)->existed());
  answer.clear_reply();
  answer.set_request(first_.request());
  answer.set_code(static_cast<int>(StatusCode::kAlreadyExists));
  answer.set_message("the name is taken");
  registrations_.OnAnswer(answer);
  ASSERT_TRUE(a->has_value());
  EXPECT_EQ((*a)->status(), AlreadyExists("the name is taken"));
  EXPECT_EQ(registrations_.size(), 0U);
}

TEST_F(RegistrationsTest, EndsWithoutAnAnswerWhenTheHeadIsLostOrSilent) {
  const Answer silent = Add("A", &first_);
  loop_.Advance(Registrations::kTimeout);
  ASSERT_TRUE(silent->has_value());
  EXPECT_EQ((*silent)->status().code(), StatusCode::kDeadlineExceeded);
  const Answer lost = Add("B", &second_);
  registrations_.FailAll(Unavailable("the connection broke"));
  ASSERT_TRUE(lost->has_value());
  EXPECT_EQ((*lost)->status().code(), StatusCode::kUnavailable);
}

TEST_F(RegistrationsTest, AnAnswerThatComesLateIsNobodys) {
  const Answer lost = Add("A", &first_);
  registrations_.FailAll(Unavailable("the connection broke"));
  const Answer waiting = Add("B", &second_);
  pb::ActorRegistered answer;
  answer.set_request(first_.request());
  registrations_.OnAnswer(answer);
  EXPECT_FALSE(waiting->has_value());
  EXPECT_EQ((*lost)->status().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace troupe::raylet
