// A program of the same cluster that was built from other sources: its Teller lacks a method that the test's has, and
// its Slip has other members.
#include <troupe/troupe.h>

#include <cstdio>
#include <string>

namespace bad_input {

struct Slip {
  std::string note;
  int amount = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(note, amount);
  }
};

class Teller {
 public:
  int Pay(const Slip& slip) { return paid_ += slip.amount; }
  int Paid() const { return paid_; }

 private:
  int paid_ = 0;
};

}  // namespace bad_input

TROUPE_ACTOR(bad_input::Teller, Pay, Paid);

int main(int argc, char** argv) {
  troupe::Init(argc, argv);
  auto teller = troupe::Spawn<bad_input::Teller>(
      {.name = "teller", .name_space = "bank", .lifetime = troupe::Lifetime::kDetached});
  std::printf("paid %d\n", teller.Paid().Get());
}
