#include "worker/mailbox.h"

#include <gmock/gmock.h>

#include <utility>
#include <vector>

#include "tests/unit/client/process_fixture.h"

namespace troupe::worker {
namespace {

constexpr Address kCaller{NodeId{0, 7}, ProcessId{2}};

std::unique_ptr<Mail> Call(std::uint64_t sequence) {
  auto mail = std::make_unique<Mail>();
  mail->frame.sequence = sequence;
  return mail;
}

TEST(MailboxTest, CallsLeaveInTheOrderInWhichTheyCame) {
  Mailbox mailbox;
  EXPECT_TRUE(mailbox.empty());
  for (std::uint64_t i = 1; i <= 3; ++i) mailbox.Add(Call(i));
  EXPECT_EQ(mailbox.first().frame.sequence, 1u);
  EXPECT_EQ(mailbox.TakeFirst()->frame.sequence, 1u);
  std::vector<std::uint64_t> rest;
  for (const auto& mail : mailbox.TakeAll()) rest.push_back(mail->frame.sequence);
  EXPECT_EQ(rest, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_TRUE(mailbox.empty());
}

TEST(MailboxTest, AFullOneRefusesUntilACallBegins) {
  Mailbox mailbox(2);
  for (std::uint64_t i = 1; i <= 2; ++i) {
    EXPECT_EQ(mailbox.Refusal(), std::nullopt);
    mailbox.Add(Call(i));
  }
  const auto refusal = mailbox.Refusal();
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->kind, ErrorKind::kRefused);
  EXPECT_EQ(refusal->outcome, Outcome::kNotExecuted);
  EXPECT_THAT(refusal->message, testing::HasSubstr("2 calls waiting"));
  EXPECT_NE(mailbox.TakeFirst(), nullptr);
  EXPECT_EQ(mailbox.Refusal(), std::nullopt);
}

TEST(MailboxTest, WithoutALimitItRefusesNothing) {
  Mailbox mailbox;
  for (std::uint64_t i = 1; i <= 1000; ++i) mailbox.Add(Call(i));
  EXPECT_EQ(mailbox.Refusal(), std::nullopt);
}

TEST(MailboxTest, TheOrderToEndFindsAPlaceInAFullOne) {
  Mailbox mailbox(1);
  mailbox.Add(Call(1));
  mailbox.Add(Mail::Terminate(ActorId{1, 2}));
  EXPECT_FALSE(mailbox.TakeFirst()->terminates());
  EXPECT_TRUE(mailbox.TakeFirst()->terminates());
}

TEST(MailTest, TakesOverTheRefsAmongTheArgumentsAndInsideThem) {
  client::TestProcess process(NodeId{0, 7}, 1);
  const auto name = [](std::uint64_t number) {
    return client::RefName{.id = {kCaller.process.value, number}, .owner = kCaller};
  };
  client::CallFrame frame;
  frame.arguments.contained = {name(11)};
  client::WireArgument argument;
  argument.name = name(12);
  argument.value.bytes = "value";
  argument.value.contained = {name(13), name(14)};
  frame.arguments.refs = {argument};
  std::string bytes = client::Encode(frame);
  const std::unique_ptr<Mail> mail = Mail::Open(kCaller, bytes, 5, process.tables());
  ASSERT_NE(mail, nullptr);
  bytes.assign(bytes.size(), '\0');  // the frame was valid during the call only
  EXPECT_EQ(mail->frame.arguments.refs.at(0).value.bytes, "value");
  std::vector<std::uint64_t> held;
  for (const auto& object : mail->held.objects) held.push_back(object->record()->id.low);
  EXPECT_EQ(held, (std::vector<std::uint64_t>{11, 13, 14})) << "what is given by reference the caller keeps";
}

TEST(MailTest, WhatDoesNotDecodeIsNone) {
  client::TestProcess process(NodeId{0, 7}, 1);
  EXPECT_EQ(Mail::Open(kCaller, client::Encode(client::CallFrame{}) + "x", 5, process.tables()), nullptr);
}

TEST(MailTest, OnlyAnActorIsToldToEnd) {
  client::TestProcess process(NodeId{0, 7}, 1);
  client::CallFrame frame;
  frame.function = client::kTerminateFunction;
  EXPECT_FALSE(Mail::Open(kCaller, client::Encode(frame), 0, process.tables())->terminates());
  frame.actor = {1, 2};
  EXPECT_TRUE(Mail::Open(kCaller, client::Encode(frame), 0, process.tables())->terminates());
}

}  // namespace
}  // namespace troupe::worker
