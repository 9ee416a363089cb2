#include "common/resources.h"

#include <cctype>
#include <cmath>

#include "common/number_text.h"

namespace troupe {
namespace {

constexpr std::int64_t kMaxUnits = static_cast<std::int64_t>(ResourceSet::kMaxAmount) * ResourceSet::kUnit;

Status CheckName(const std::string& name) {
  if (name.empty() || name.size() > 255) {
    return InvalidArgument("resource name '" + name.substr(0, 64) + "' must have 1 to 255 characters");
  }
  for (unsigned char c : name) {
    if (std::isalnum(c) == 0 && std::string_view("_-.:/").find(static_cast<char>(c)) == std::string_view::npos) {
      return InvalidArgument("resource name '" + name + "' may hold only letters, digits and _ - . : /");
    }
  }
  return OkStatus();
}

std::string FormatAmount(std::int64_t units) { return NumberText(static_cast<double>(units) / ResourceSet::kUnit, 10); }

}  // namespace

Result<ResourceSet> ResourceSet::FromAmounts(const std::map<std::string, double>& amounts) {
  std::map<std::string, std::int64_t> units;
  for (const auto& [name, amount] : amounts) {
    if (!std::isfinite(amount) || amount < 0 || amount > kMaxAmount) {
      return InvalidArgument("resource '" + name + "' is " + NumberText(amount, 6) + "; give an amount from 0 to 1e14");
    }
    const double scaled = amount * kUnit;
    const double rounded = std::round(scaled);
    if (amount > 0 && (rounded == 0 || std::abs(scaled - rounded) > 1e-3 * std::max(1.0, rounded * 1e-9))) {
      return InvalidArgument("resource '" + name + "' is finer than 1/10000; round it");
    }
    units[name] = static_cast<std::int64_t>(rounded);
  }
  return FromUnits(units);
}

Result<ResourceSet> ResourceSet::FromUnits(const std::map<std::string, std::int64_t>& units) {
  ResourceSet set;
  for (const auto& [name, amount] : units) {
    TROUPE_RETURN_IF_ERROR(CheckName(name));
    if (amount < 0 || amount > kMaxUnits) {
      return InvalidArgument("resource '" + name + "' is out of range; give an amount from 0 to 1e14");
    }
    set.SetUnits(name, amount);
  }
  return set;
}

std::int64_t ResourceSet::Units(std::string_view name) const {
  auto it = units_.find(name);
  return it == units_.end() ? 0 : it->second;
}

void ResourceSet::SetUnits(const std::string& name, std::int64_t units) {
  if (units == 0) {
    units_.erase(name);
  } else {
    units_[name] = units;
  }
}

bool ResourceSet::Contains(const ResourceSet& demand) const {
  for (const auto& [name, amount] : demand.units_) {
    if (Units(name) < amount) return false;
  }
  return true;
}

std::vector<std::string> ResourceSet::Missing(const ResourceSet& demand) const {
  std::vector<std::string> names;
  for (const auto& [name, amount] : demand.units_) {
    if (Units(name) < amount) names.push_back(name);
  }
  return names;
}

ResourceSet& ResourceSet::Add(const ResourceSet& other) {
  for (const auto& [name, amount] : other.units_) SetUnits(name, Units(name) + amount);
  return *this;
}

ResourceSet& ResourceSet::Subtract(const ResourceSet& other) {
  for (const auto& [name, amount] : other.units_) SetUnits(name, Units(name) - amount);
  return *this;
}

std::string ResourceSet::ToString() const {
  std::string text = "{";
  for (const auto& [name, amount] : units_) {
    if (text.size() > 1) text += ", ";
    text += name + ": " + FormatAmount(amount);
  }
  return text + "}";
}

}  // namespace troupe
