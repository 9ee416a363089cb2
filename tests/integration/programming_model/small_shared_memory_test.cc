// A program in a container whose /dev/shm has 64 MiB, as Docker gives by default.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <troupe/troupe.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/integration/program.h"

namespace small_shared_memory {

class Echo {
 public:
  std::string Say(const std::string& text) const { return text; }
};

}  // namespace small_shared_memory

TROUPE_ACTOR(small_shared_memory::Echo, Say);

namespace troupe::integration {
namespace {

using small_shared_memory::Echo;

constexpr std::size_t kMiB = 1 << 20;

int LiveInAContainer(const std::vector<std::string>&) {
  struct statvfs shm {};
  if (statvfs("/dev/shm", &shm) != 0 || shm.f_blocks * shm.f_frsize != 64 * kMiB) return std::puts("not limited"), 1;
  Init();
  std::vector<ActorHandle<Echo>> actors;
  for (int i = 0; i < 4; ++i) actors.push_back(Spawn<Echo>());
  for (auto& actor : actors) actor.Say("hello").Get();
  for (int i = 0; i < 60; ++i) {
    const std::string text(2 * kMiB, 'x');
    if (actors[i % 4].Say(text).Get() != text) return std::puts("another text"), 1;
  }
  try {
    Put(std::string(60 * kMiB, 'x'));
    std::puts("it fits");
  } catch (const Error& error) {
    std::printf("%s\n", error.what());
  }
  for (auto& actor : actors) actor.Say("hello").Get();
  std::printf("size %zu\n", actors[0].Say(std::string(10 * kMiB, 'y')).Get().size());
  return 0;
}
const bool kLiveInAContainer = RegisterRole("live in a container", LiveInAContainer);

TEST(SmallSharedMemory, CallsAndObjectsWorkAndWhatDoesNotFitSaysSo) {
  const std::string limit = "mount -t tmpfs -o size=64m tmpfs /dev/shm";
  if (Program({"/usr/bin/unshare", "-rm", "sh", "-c", limit}).Wait() != 0) {
    GTEST_SKIP() << "this system lets nobody mount in a namespace of their own";
  }
  char root[] = "/tmp/troupe-small-XXXXXX";
  ASSERT_NE(mkdtemp(root), nullptr);
  Program program({"/usr/bin/unshare", "-rm", "sh", "-c", limit + " && exec \"$0\" \"$@\"",
                   std::filesystem::read_symlink("/proc/self/exe"), "--integration-role", "live in a container"},
                  {{"TROUPE_SESSION_ROOT", root}, {"TROUPE_TOKEN_FILE", std::string(root) + "/token"}});
  EXPECT_EQ(program.Wait(), 0) << program.Output() << program.Errors();
  EXPECT_NE(program.Output().find("does not fit the object store of 50331648 bytes"), std::string::npos)
      << program.Output();
  EXPECT_NE(program.Output().find("size 10485760\n"), std::string::npos) << program.Output() << program.Errors();
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace troupe::integration
