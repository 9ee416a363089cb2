// The shared memory of a session's raylet: how all of it is named, and its removal after a raylet that was killed.
#pragma once

#include <string>

namespace troupe {

// "troupe-" and 12 hexadecimal digits, which begin every name in /dev/shm of the session in `dir` (absolute, without
// links). The same for the same folder and user at every start, so that what a killed raylet left is found.
std::string RegionTag(const std::string& dir);

// Locked by the raylet that runs in the session, as long as it lives.
std::string RayletLockPath(const std::string& dir);
// Locks that file, open as `fd`. False when a raylet runs. Blocks up to half a second: when a raylet is killed just as
// it starts a process, that process holds the lock until its program begins.
bool TakeRayletLock(int fd);

// Unlinks what a raylet left in shared memory that no longer runs in `dir`, as above. Nothing while one runs there.
// Thread-safe; blocks for a few file operations.
void RemoveSessionMemory(const std::string& dir);

}  // namespace troupe
