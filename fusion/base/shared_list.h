// A list of values whose copies share their elements: a copy costs a pointer for each, whatever
// they hold, and elements of two copies that are the same object need no comparing. For what is
// copied with every change of it, such as an incident's evidence with every revision.
//
// Elements are read like those of a vector, and changed with Set. Not thread-safe; copies may be
// read by different threads.
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace fusiongateway {

template <typename Value>
class SharedList {
 public:
  class const_iterator {
   public:
    using iterator_category = std::random_access_iterator_tag;
    using value_type = Value;
    using difference_type = std::ptrdiff_t;
    using pointer = const Value*;
    using reference = const Value&;

    const_iterator() = default;
    explicit const_iterator(const std::shared_ptr<const Value>* at) : at_(at) {}

    reference operator*() const { return **at_; }
    pointer operator->() const { return at_->get(); }
    reference operator[](difference_type n) const { return *at_[n]; }
    const_iterator& operator++() { return *this += 1; }
    const_iterator& operator--() { return *this += -1; }
    const_iterator operator++(int) { return const_iterator(at_++); }
    const_iterator operator--(int) { return const_iterator(at_--); }
    const_iterator& operator+=(difference_type n) {
      at_ += n;
      return *this;
    }
    const_iterator& operator-=(difference_type n) { return *this += -n; }
    friend const_iterator operator+(const_iterator i, difference_type n) { return i += n; }
    friend const_iterator operator+(difference_type n, const_iterator i) { return i += n; }
    friend const_iterator operator-(const_iterator i, difference_type n) { return i -= n; }
    friend difference_type operator-(const_iterator a, const_iterator b) { return a.at_ - b.at_; }
    friend auto operator<=>(const const_iterator&, const const_iterator&) = default;

   private:
    const std::shared_ptr<const Value>* at_ = nullptr;
  };
  using iterator = const_iterator;
  using value_type = Value;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using reference = const Value&;
  using const_reference = const Value&;

  std::size_t size() const { return elements_.size(); }
  bool empty() const { return elements_.empty(); }
  const Value& operator[](std::size_t i) const { return *elements_[i]; }
  const Value& front() const { return *elements_.front(); }
  const Value& back() const { return *elements_.back(); }
  const_iterator begin() const { return const_iterator(elements_.data()); }
  const_iterator end() const { return const_iterator(elements_.data() + elements_.size()); }

  void push_back(Value value) {
    elements_.push_back(std::make_shared<const Value>(std::move(value)));
  }
  void Set(std::size_t i, Value value) {
    elements_[i] = std::make_shared<const Value>(std::move(value));
  }
  void erase(const_iterator at) { elements_.erase(elements_.begin() + (at - begin())); }

  friend bool operator==(const SharedList& a, const SharedList& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (a.elements_[i] != b.elements_[i] && !(a[i] == b[i])) return false;
    }
    return true;
  }

 private:
  std::vector<std::shared_ptr<const Value>> elements_;
};

}  // namespace fusiongateway
