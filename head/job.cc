#include "head/job.h"

#include <string.h>
#include <sys/wait.h>

#include <algorithm>
#include <cctype>

#include "common/name.h"
#include "common/shell_quote.h"
#include "common/utf8.h"
#include "head/convert.h"

namespace troupe::head {
namespace {

constexpr std::size_t kMaxEntrypoint = 500;
constexpr int kMaxArguments = 10'000;

bool IsSubmissionId(const std::string& id) {
  return !id.empty() && id.size() <= 128 && id[0] != '.' && std::all_of(id.begin(), id.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-';
  });
}

Status CheckNameSpace(const std::string& name_space) {
  return name_space.empty() ? OkStatus() : CheckName(name_space, "the job's namespace");
}

}  // namespace

Status CheckRegistration(const pb::RegisterJobRequest& request) {
  TROUPE_RETURN_IF_ERROR(ParseNodeId(request.driver().node(), "the driver's node").status());
  if (request.driver().process() == 0) return InvalidArgument("the driver's process id must not be zero");
  return CheckNameSpace(request.name_space());
}

Status CheckSubmission(const pb::SubmitJobRequest& request) {
  if (!IsSubmissionId(request.submission())) {
    return InvalidArgument(
        "a submission's id must be 1 to 128 letters, digits and _ . -, and not begin with a dot: not '" +
        request.submission().substr(0, 64) + "'");
  }
  if (request.argv().empty() || request.argv(0).empty())
    return InvalidArgument("the job has no program: argv is empty");
  if (request.argv_size() > kMaxArguments) return InvalidArgument("the job has more than 10000 arguments");
  if (!request.package().empty() && !IsPackageName(request.package())) {
    return InvalidArgument("'" + request.package().substr(0, 80) + "' is not the name of a package (64 hex digits)");
  }
  for (const auto& [name, value] : request.environment()) {
    if (name.empty() || name.find('=') != std::string::npos || name.find('\0') != std::string::npos) {
      return InvalidArgument("an environment variable's name must not be empty or hold '='");
    }
  }
  return CheckNameSpace(request.name_space());
}

std::string Entrypoint(const std::vector<std::string>& argv) {
  std::string text;
  for (const std::string& word : argv) {
    if (!text.empty()) text += ' ';
    text += ShellQuote(word);
    if (text.size() > kMaxEntrypoint) {
      text = text.substr(0, kMaxEntrypoint) + "...";
      break;
    }
  }
  return Utf8(std::move(text));
}

DriverEnd ReadWaitStatus(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    const char* name = sigabbrev_np(signal);
    return {128 + signal, "its driver was killed by signal " + std::to_string(signal) +
                              (name == nullptr ? "" : std::string(" (SIG") + name + ")")};
  }
  const int code = WEXITSTATUS(wait_status);
  return {code, code == 0 ? "" : "its driver exited with status " + std::to_string(code)};
}

bool IsPackageName(const std::string& package) {
  return package.size() == 64 && std::all_of(package.begin(), package.end(), [](unsigned char c) {
           return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f');
         });
}

}  // namespace troupe::head
