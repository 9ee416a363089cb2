#include "jobs/elf_file.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdint>
#include <vector>

namespace troupe::jobs {
namespace {

constexpr std::size_t kMaxName = 4096;  // PATH_MAX
constexpr std::size_t kMaxProgramHeaders = 1'024;
constexpr std::size_t kMaxDynamicEntries = 4'096;

class Reader {
 public:
  explicit Reader(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)), error_(errno) {}
  ~Reader() {
    if (fd_ >= 0) close(fd_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool is_open() const { return fd_ >= 0; }
  int error() const { return error_; }

  bool Read(std::uint64_t offset, void* out, std::size_t size) const {
    return offset <= INT64_MAX && pread(fd_, out, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
  }

  template <class T>
  std::vector<T> ReadAll(std::uint64_t offset, std::size_t count) const {
    std::vector<T> out(count);
    if (!Read(offset, out.data(), count * sizeof(T))) out.clear();
    return out;
  }

  // Up to its zero byte; empty when there is none within kMaxName.
  std::string ReadName(std::uint64_t offset) const {
    char buffer[kMaxName];
    if (offset > INT64_MAX) return {};
    const ssize_t size = pread(fd_, buffer, sizeof buffer, static_cast<off_t>(offset));
    if (size <= 0 || memchr(buffer, 0, static_cast<std::size_t>(size)) == nullptr) return {};
    return buffer;
  }

 private:
  const int fd_;
  const int error_;
};

// Where the byte at virtual address `address` lies in the file.
std::optional<std::uint64_t> FileOffset(const std::vector<Elf64_Phdr>& headers, std::uint64_t address) {
  for (const Elf64_Phdr& header : headers) {
    if (header.p_type == PT_LOAD && address >= header.p_vaddr && address - header.p_vaddr < header.p_filesz) {
      return header.p_offset + (address - header.p_vaddr);
    }
  }
  return std::nullopt;
}

std::string ReadSoname(const Reader& reader, const std::vector<Elf64_Phdr>& headers, const Elf64_Phdr& dynamic) {
  const std::size_t count = std::min<std::uint64_t>(dynamic.p_filesz / sizeof(Elf64_Dyn), kMaxDynamicEntries);
  std::optional<std::uint64_t> name;
  std::optional<std::uint64_t> strings;
  for (const Elf64_Dyn& entry : reader.ReadAll<Elf64_Dyn>(dynamic.p_offset, count)) {
    if (entry.d_tag == DT_NULL) break;
    if (entry.d_tag == DT_SONAME) name = entry.d_un.d_val;
    if (entry.d_tag == DT_STRTAB) strings = FileOffset(headers, entry.d_un.d_ptr);
  }
  return name && strings ? reader.ReadName(*strings + *name) : std::string();
}

bool IsElf64(const Elf64_Ehdr& header) {
  const int native = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
  return memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
         header.e_ident[EI_DATA] == native && header.e_phentsize == sizeof(Elf64_Phdr) &&
         header.e_phnum <= kMaxProgramHeaders;
}

}  // namespace

Result<ElfNames> ReadElfNames(const std::string& path) {
  const Reader reader(path);
  if (!reader.is_open()) return ErrnoStatus(reader.error(), "cannot read " + path);
  Elf64_Ehdr header;
  if (!reader.Read(0, &header, sizeof header) || !IsElf64(header)) {
    return InvalidArgument(path + " is not a 64-bit ELF program or library of this machine");
  }
  const auto headers = reader.ReadAll<Elf64_Phdr>(header.e_phoff, header.e_phnum);
  if (headers.size() != header.e_phnum) return InvalidArgument(path + " is a damaged ELF file: it ends too early");
  ElfNames names;
  for (const Elf64_Phdr& segment : headers) {
    if (segment.p_type == PT_INTERP) names.interpreter = reader.ReadName(segment.p_offset);
    if (segment.p_type == PT_DYNAMIC) names.soname = ReadSoname(reader, headers, segment);
  }
  return names;
}

}  // namespace troupe::jobs
