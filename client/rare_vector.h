// RareVector<T>: a std::vector that mostly has no element, and then takes one word.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

namespace troupe::client {

template <class T>
class RareVector {
 public:
  RareVector() = default;
  RareVector(std::initializer_list<T> elements) : RareVector(std::vector<T>(elements)) {}
  // Implicit, so that a list that was made as a vector is simply assigned.
  RareVector(std::vector<T> elements) {  // NOLINT(google-explicit-constructor)
    if (!elements.empty()) all_ = std::make_unique<std::vector<T>>(std::move(elements));
  }
  RareVector(RareVector&&) noexcept = default;
  RareVector& operator=(RareVector&&) noexcept = default;

  const std::vector<T>& all() const {
    static const std::vector<T> none;
    return all_ ? *all_ : none;
  }
  auto begin() const { return all().begin(); }
  auto end() const { return all().end(); }
  bool empty() const { return all().empty(); }
  std::size_t size() const { return all().size(); }
  const T& front() const { return all().front(); }

  void push_back(T element) {
    if (!all_) all_ = std::make_unique<std::vector<T>>();
    all_->push_back(std::move(element));
  }
  template <class Condition>
  void EraseIf(const Condition& condition) {
    if (!all_) return;
    std::erase_if(*all_, condition);
    if (all_->empty()) all_.reset();
  }
  std::vector<T> TakeAll() {
    const auto taken = std::exchange(all_, nullptr);
    return taken ? std::move(*taken) : std::vector<T>();
  }

 private:
  std::unique_ptr<std::vector<T>> all_;
};

}  // namespace troupe::client
