// Whether a type can travel: known before any code is made for it, so that a static_assert can say so in a sentence.
#pragma once

#include <array>
#include <bitset>
#include <cereal/types/array.hpp>
#include <cereal/types/bitset.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/complex.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>
#include <chrono>
#include <concepts>
#include <memory>
#include <type_traits>

#include "troupe/internal/archive_types.h"

namespace troupe::internal {

// User types, by cereal's conventions: serialize, save/load, save_minimal/load_minimal, members or not.
template <class T>
struct IsSerializable : std::bool_constant<(std::is_class_v<T> && std::is_empty_v<T>) ||
                                           (cereal::traits::is_output_serializable<T, OutputArchive>::value &&
                                            cereal::traits::is_input_serializable<T, InputArchive>::value)> {};

template <class T>
requires std::is_arithmetic_v<T> || std::is_enum_v<T>
struct IsSerializable<T> : std::true_type {
};
template <class T>
requires std::is_pointer_v<T> || std::is_reference_v<T> || std::is_function_v<T> || std::is_null_pointer_v<T> ||
    std::is_member_pointer_v<T> || std::is_void_v<T>
struct IsSerializable<T> : std::false_type {
};

// cereal answers for a container whatever it holds; what it holds decides.
template <class... T>
using AllSerializable = std::conjunction<IsSerializable<std::remove_const_t<T>>...>;

template <class T, std::size_t kSize>
struct IsSerializable<T[kSize]> : AllSerializable<T> {};
template <class T, std::size_t kSize>
struct IsSerializable<std::array<T, kSize>> : AllSerializable<T> {};
template <class T, class A>
struct IsSerializable<std::vector<T, A>> : AllSerializable<T> {};
template <class T, class A>
struct IsSerializable<std::deque<T, A>> : AllSerializable<T> {};
template <class T, class A>
struct IsSerializable<std::list<T, A>> : AllSerializable<T> {};
template <class T, class... X>
struct IsSerializable<std::set<T, X...>> : AllSerializable<T> {};
template <class T, class... X>
struct IsSerializable<std::multiset<T, X...>> : AllSerializable<T> {};
template <class T, class... X>
struct IsSerializable<std::unordered_set<T, X...>> : AllSerializable<T> {};
template <class T, class... X>
struct IsSerializable<std::unordered_multiset<T, X...>> : AllSerializable<T> {};
template <class K, class V, class... X>
struct IsSerializable<std::map<K, V, X...>> : AllSerializable<K, V> {};
template <class K, class V, class... X>
struct IsSerializable<std::multimap<K, V, X...>> : AllSerializable<K, V> {};
template <class K, class V, class... X>
struct IsSerializable<std::unordered_map<K, V, X...>> : AllSerializable<K, V> {};
template <class K, class V, class... X>
struct IsSerializable<std::unordered_multimap<K, V, X...>> : AllSerializable<K, V> {};
template <class A, class B>
struct IsSerializable<std::pair<A, B>> : AllSerializable<A, B> {};
template <class... T>
struct IsSerializable<std::tuple<T...>> : AllSerializable<T...> {};
template <class... T>
struct IsSerializable<std::variant<T...>> : AllSerializable<T...> {};
template <class T>
struct IsSerializable<std::optional<T>> : AllSerializable<T> {};

// A pointer to a base would lose what it points to, so only complete types that are made without arguments.
template <class T>
struct IsPointee : std::conjunction<std::negation<std::is_polymorphic<T>>, std::is_default_constructible<T>,
                                    std::negation<std::is_array<T>>, AllSerializable<T>> {};
template <class T, class D>
struct IsSerializable<std::unique_ptr<T, D>> : std::conjunction<std::is_same<D, std::default_delete<T>>, IsPointee<T>> {
};
template <class T>
struct IsSerializable<std::shared_ptr<T>> : IsPointee<T> {};
template <class T>
struct IsSerializable<std::weak_ptr<T>> : IsPointee<T> {};

}  // namespace troupe::internal
