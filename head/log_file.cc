#include "head/log_file.h"

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "head/log_requests.h"

namespace troupe::head {

Result<pb::LogChunk> ReadLogFile(const std::string& path, const pb::ReadLogRequest& request) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return ErrnoStatus(errno, "cannot read " + path);
  const auto size = static_cast<std::uint64_t>(file.tellg());
  const std::uint64_t most =
      request.max_bytes() == 0 ? LogRequests::kMaxBytes : std::min(request.max_bytes(), LogRequests::kMaxBytes);
  const std::uint64_t offset = request.tail() ? size - std::min(size, most) : std::min(request.offset(), size);
  std::string data(std::min(most, size - offset), '\0');
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(data.data(), static_cast<std::streamsize>(data.size()));
  data.resize(static_cast<std::size_t>(file.gcount()));
  pb::LogChunk chunk;
  chunk.set_offset(offset);
  chunk.set_data(std::move(data));
  return chunk;
}

}  // namespace troupe::head
