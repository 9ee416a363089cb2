// Expected<T>: a value, or the error that took its place; what the Try functions return.
#pragma once

#include <memory>
#include <utility>
#include <variant>

#include "troupe/error.h"

namespace troupe {

// A value of type T, or the ErrorInfo that the throwing twin of the function would have thrown. A plain value
// without locks; copies share the error.
template <class T>
class [[nodiscard]] Expected {
 public:
  Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  // `error` must not be null.
  explicit Expected(std::shared_ptr<const ErrorInfo> error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  // The value; throws the error when there is none.
  T& value() & { return ThrowIfError(), std::get<0>(state_); }
  const T& value() const& { return ThrowIfError(), std::get<0>(state_); }
  T&& value() && { return ThrowIfError(), std::get<0>(std::move(state_)); }

  // As value().
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // The error; std::bad_variant_access when there is a value.
  const ErrorInfo& error() const { return *std::get<1>(state_); }

 private:
  void ThrowIfError() const {
    if (!has_value()) Throw(error());
  }

  std::variant<T, std::shared_ptr<const ErrorInfo>> state_;
};

// Success without a value, or the error.
template <>
class [[nodiscard]] Expected<void> {
 public:
  Expected() = default;
  explicit Expected(std::shared_ptr<const ErrorInfo> error) : error_(std::move(error)) {}

  bool has_value() const { return error_ == nullptr; }
  explicit operator bool() const { return has_value(); }
  void value() const {
    if (error_) Throw(*error_);
  }
  void operator*() const { value(); }
  // The error; call only when there is no value.
  const ErrorInfo& error() const { return *error_; }

 private:
  std::shared_ptr<const ErrorInfo> error_;
};

}  // namespace troupe
