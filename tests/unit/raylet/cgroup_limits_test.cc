#include "raylet/leases/cgroup_limits.h"

#include <gtest/gtest.h>

#include <map>

namespace troupe::raylet {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
const std::string kNoMemoryLimit = "9223372036854771712\n";  // of version 1

using Files = std::map<std::string, std::string>;

CgroupLimits Read(const Files& files) {
  return ReadCgroupLimits([&](const std::string& path) -> std::optional<std::string> {
    const auto found = files.find(path);
    if (found == files.end()) return std::nullopt;
    return found->second;
  });
}

TEST(CgroupLimitsTest, AContainerOfVersion2SeesItsOwnGroupAsTheRoot) {
  const CgroupLimits limits = Read({
      {"/proc/self/cgroup", "0::/\n"},
      {"/proc/self/mountinfo",
       "22 1 0:20 / /proc rw shared:5 - proc proc rw\n"
       "29 22 0:26 / /sys/fs/cgroup ro,nosuid shared:9 master:4 - cgroup2 cgroup rw,nsdelegate\n"},
      {"/sys/fs/cgroup/memory.max", "536870912\n"},
      {"/sys/fs/cgroup/memory.current", "209715200\n"},
      {"/sys/fs/cgroup/memory.stat", "anon 1\nfile 2\ninactive_anon 7\ninactive_file 104857600\n"},
      {"/sys/fs/cgroup/cpu.max", "150000 100000\n"},
  });
  EXPECT_EQ(limits.memory, 512 * kMiB);
  EXPECT_EQ(limits.available_memory, 412 * kMiB) << "what can be dropped is available";
  EXPECT_EQ(limits.cpus, 1.5);
}

TEST(CgroupLimitsTest, TheTightestOfTheGroupsAroundCounts) {
  const Files files = {
      {"/proc/self/cgroup", "0::/user.slice/troupe.service\n"},
      {"/proc/self/mountinfo", "29 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"},
      {"/sys/fs/cgroup/user.slice/troupe.service/memory.max", "max\n"},
      {"/sys/fs/cgroup/user.slice/troupe.service/cpu.max", "max 100000\n"},
      {"/sys/fs/cgroup/user.slice/memory.max", "1073741824\n"},
      {"/sys/fs/cgroup/user.slice/memory.current", "2147483648\n"},  // above its limit, for a moment
      {"/sys/fs/cgroup/user.slice/cpu.max", "400000 200000\n"},
  };
  const CgroupLimits limits = Read(files);
  EXPECT_EQ(limits.memory, 1024 * kMiB);
  EXPECT_EQ(limits.available_memory, 0U);
  EXPECT_EQ(limits.cpus, 2);
}

TEST(CgroupLimitsTest, AContainerOfVersion1NamesTheGroupThatIsMounted) {
  const CgroupLimits limits = Read({
      {"/proc/self/cgroup", "12:memory:/docker/1f\n4:cpu,cpuacct:/docker/1f\n0::/docker/1f\n"},
      {"/proc/self/mountinfo",
       "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
       "32 31 0:26 /docker/1f /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
       "33 31 0:29 /docker/1f /sys/fs/cgroup/cpu,cpuacct ro master:11 - cgroup cgroup rw,cpu,cpuacct\n"
       "35 31 0:32 /docker/1f /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"},
      {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456\n"},
      {"/sys/fs/cgroup/memory/memory.usage_in_bytes", "67108864\n"},
      {"/sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 33554432\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"},
      {"/sys/fs/cgroup/unified/memory.max", "1\n"},
  });
  EXPECT_EQ(limits.memory, 256 * kMiB);
  EXPECT_EQ(limits.available_memory, 224 * kMiB);
  EXPECT_EQ(limits.cpus, 0.5);
}

TEST(CgroupLimitsTest, WhatIsNotLimitedDoesNotLimit) {
  const CgroupLimits limits = Read({
      {"/proc/self/cgroup", "4:memory:/job/7\n1:cpu:/\n0::/\n"},
      {"/proc/self/mountinfo",
       "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
       "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"},
      {"/sys/fs/cgroup/memory/job/7/memory.limit_in_bytes", kNoMemoryLimit},
      {"/sys/fs/cgroup/memory/memory.limit_in_bytes", kNoMemoryLimit},
      {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"},
      {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
  });
  EXPECT_EQ(limits.memory, std::nullopt);
  EXPECT_EQ(limits.available_memory, std::nullopt);
  EXPECT_EQ(limits.cpus, std::nullopt);
  EXPECT_EQ(Read({}).memory, std::nullopt);
}

TEST(CgroupLimitsTest, AnyTextIsRead) {
  for (const std::string text :
       {"", ":", "::", "0::", "0::no/slash", "0::/../..", "0::/a/../b", "x:memory", "1:memory:/a\n"}) {
    const CgroupLimits limits = Read({
        {"/proc/self/cgroup", text},
        {"/proc/self/mountinfo",
         "- \n - \n1 2 3 / /m - cgroup2 \n1 2 3 / /m rw - cgroup2 x rw\n1 2 - cgroup cgroup memory\n"},
        {"/m/memory.max", "-5\n"},
        {"/m/cpu.max", "99999999999999999999 0\n"},
    });
    EXPECT_EQ(limits.memory, std::nullopt) << text;
    EXPECT_EQ(limits.cpus, std::nullopt) << text;
  }
}

TEST(CgroupLimitsTest, ThisProcessCanBeLookedAt) {
  const CgroupLimits limits = ReadCgroupLimits(ReadSmallFile);
  if (limits.memory) {
    EXPECT_GE(*limits.memory, *limits.available_memory);
  }
  EXPECT_EQ(ReadSmallFile("/no such file"), std::nullopt);
}

}  // namespace
}  // namespace troupe::raylet
