// ObjectPtr: points to what this process knows of an object. Users need none of this.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace troupe::client {
struct ObjectRecord;
}

namespace troupe::internal {

// What an ObjectPtr points to: in a real process a client::ObjectRecord. Counts its pointers, and tells the runtime
// when the last of them is gone.
class ObjectState {
 public:
  ObjectState(const ObjectState&) = delete;
  ObjectState& operator=(const ObjectState&) = delete;

  // Of the real runtime's objects, defined there; as long as there is a pointer.
  const std::shared_ptr<client::ObjectRecord>& record() const;

  // Adds a pointer, which ObjectPtr::Counted() then takes; whether there was none. Any thread.
  bool AddPointer() { return pointers_.fetch_add(1, std::memory_order_relaxed) == 0; }

 protected:
  ObjectState() = default;
  virtual ~ObjectState() = default;

 private:
  friend class ObjectPtr;
  // The last pointer is gone; another may be made meanwhile. On any thread, whatever locks it holds.
  virtual void OnUnused() = 0;
  void DropPointer() {
    if (pointers_.fetch_sub(1, std::memory_order_acq_rel) == 1) OnUnused();
  }

  std::atomic<std::uint32_t> pointers_{0};
};

// As a std::shared_ptr<ObjectState> that takes one word and no memory of its own. The runtime makes the first one.
class ObjectPtr {
 public:
  ObjectPtr() = default;
  ObjectPtr(std::nullptr_t) {}
  // Takes a pointer that AddPointer() has added.
  static ObjectPtr Counted(ObjectState* state) {
    ObjectPtr pointer;
    pointer.state_ = state;
    return pointer;
  }
  ObjectPtr(const ObjectPtr& other) : state_(other.state_) {
    if (state_) state_->AddPointer();
  }
  ObjectPtr(ObjectPtr&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  ObjectPtr& operator=(const ObjectPtr& other) {
    ObjectPtr(other).swap(*this);
    return *this;
  }
  ObjectPtr& operator=(ObjectPtr&& other) noexcept {
    ObjectPtr(std::move(other)).swap(*this);
    return *this;
  }
  ~ObjectPtr() {
    if (state_) state_->DropPointer();
  }

  ObjectState* get() const { return state_; }
  ObjectState* operator->() const { return state_; }
  ObjectState& operator*() const { return *state_; }
  explicit operator bool() const { return state_ != nullptr; }
  bool operator==(const ObjectPtr&) const = default;
  void reset() { ObjectPtr().swap(*this); }
  void swap(ObjectPtr& other) noexcept { std::swap(state_, other.state_); }

 private:
  ObjectState* state_ = nullptr;
};

}  // namespace troupe::internal

template <>
struct std::hash<troupe::internal::ObjectPtr> {
  std::size_t operator()(const troupe::internal::ObjectPtr& pointer) const {
    return std::hash<troupe::internal::ObjectState*>()(pointer.get());
  }
};
