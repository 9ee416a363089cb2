// TROUPE_FOR_EACH(F, x1, ..., xn): F(x1) ... F(xn), for n from 0 to 64. Of more it is nothing, and
// TROUPE_CAN_FOR_EACH(x1, ..., xn) is false.
#pragma once

#include <string_view>

#define TROUPE_FOR_EACH(F, ...) __VA_OPT__(TROUPE_FOR_EACH_CHOOSE(__VA_ARGS__)(F, __VA_ARGS__))
#define TROUPE_FOR_EACH_CHOOSE(...)                                                                                   \
  TROUPE_FOR_EACH_PICK(                                                                                               \
      __VA_ARGS__, TROUPE_TOO_MANY, TROUPE_TOO_MANY, TROUPE_TOO_MANY, TROUPE_TOO_MANY, TROUPE_TOO_MANY,               \
      TROUPE_TOO_MANY, TROUPE_TOO_MANY, TROUPE_TOO_MANY, TROUPE_TOO_MANY, TROUPE_TOO_MANY, TROUPE_TOO_MANY,           \
      TROUPE_TOO_MANY, TROUPE_TOO_MANY, TROUPE_TOO_MANY, TROUPE_TOO_MANY, TROUPE_TOO_MANY, TROUPE_EACH_64,            \
      TROUPE_EACH_63, TROUPE_EACH_62, TROUPE_EACH_61, TROUPE_EACH_60, TROUPE_EACH_59, TROUPE_EACH_58, TROUPE_EACH_57, \
      TROUPE_EACH_56, TROUPE_EACH_55, TROUPE_EACH_54, TROUPE_EACH_53, TROUPE_EACH_52, TROUPE_EACH_51, TROUPE_EACH_50, \
      TROUPE_EACH_49, TROUPE_EACH_48, TROUPE_EACH_47, TROUPE_EACH_46, TROUPE_EACH_45, TROUPE_EACH_44, TROUPE_EACH_43, \
      TROUPE_EACH_42, TROUPE_EACH_41, TROUPE_EACH_40, TROUPE_EACH_39, TROUPE_EACH_38, TROUPE_EACH_37, TROUPE_EACH_36, \
      TROUPE_EACH_35, TROUPE_EACH_34, TROUPE_EACH_33, TROUPE_EACH_32, TROUPE_EACH_31, TROUPE_EACH_30, TROUPE_EACH_29, \
      TROUPE_EACH_28, TROUPE_EACH_27, TROUPE_EACH_26, TROUPE_EACH_25, TROUPE_EACH_24, TROUPE_EACH_23, TROUPE_EACH_22, \
      TROUPE_EACH_21, TROUPE_EACH_20, TROUPE_EACH_19, TROUPE_EACH_18, TROUPE_EACH_17, TROUPE_EACH_16, TROUPE_EACH_15, \
      TROUPE_EACH_14, TROUPE_EACH_13, TROUPE_EACH_12, TROUPE_EACH_11, TROUPE_EACH_10, TROUPE_EACH_9, TROUPE_EACH_8,   \
      TROUPE_EACH_7, TROUPE_EACH_6, TROUPE_EACH_5, TROUPE_EACH_4, TROUPE_EACH_3, TROUPE_EACH_2, TROUPE_EACH_1, unused)
#define TROUPE_FOR_EACH_PICK(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, \
                             a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32, a33, a34, a35, a36, a37, \
                             a38, a39, a40, a41, a42, a43, a44, a45, a46, a47, a48, a49, a50, a51, a52, a53, a54, a55, \
                             a56, a57, a58, a59, a60, a61, a62, a63, a64, a65, a66, a67, a68, a69, a70, a71, a72, a73, \
                             a74, a75, a76, a77, a78, a79, chosen, ...)                                                \
  chosen
#define TROUPE_TOO_MANY(F, ...)
#define TROUPE_CAN_FOR_EACH(...) (TROUPE_FOR_EACH_IS(TROUPE_FOR_EACH_CHOOSE(__VA_ARGS__)) != "TROUPE_TOO_MANY")
#define TROUPE_FOR_EACH_IS(chosen) TROUPE_FOR_EACH_IS_(chosen)
#define TROUPE_FOR_EACH_IS_(chosen) ::std::string_view(#chosen)
// Eight at a step: compilers print a note for every step that leads to an error.
#define TROUPE_EACH_1(F, a) F(a)
#define TROUPE_EACH_2(F, a, b) F(a) F(b)
#define TROUPE_EACH_3(F, a, b, c) F(a) F(b) F(c)
#define TROUPE_EACH_4(F, a, b, c, d) F(a) F(b) F(c) F(d)
#define TROUPE_EACH_5(F, a, b, c, d, e) F(a) F(b) F(c) F(d) F(e)
#define TROUPE_EACH_6(F, a, b, c, d, e, f) F(a) F(b) F(c) F(d) F(e) F(f)
#define TROUPE_EACH_7(F, a, b, c, d, e, f, g) F(a) F(b) F(c) F(d) F(e) F(f) F(g)
#define TROUPE_EACH_8(F, a, b, c, d, e, f, g, h) F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h)
#define TROUPE_EACH_9(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_1(F, __VA_ARGS__)
#define TROUPE_EACH_10(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_2(F, __VA_ARGS__)
#define TROUPE_EACH_11(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_3(F, __VA_ARGS__)
#define TROUPE_EACH_12(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_4(F, __VA_ARGS__)
#define TROUPE_EACH_13(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_5(F, __VA_ARGS__)
#define TROUPE_EACH_14(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_6(F, __VA_ARGS__)
#define TROUPE_EACH_15(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_7(F, __VA_ARGS__)
#define TROUPE_EACH_16(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_8(F, __VA_ARGS__)
#define TROUPE_EACH_17(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_9(F, __VA_ARGS__)
#define TROUPE_EACH_18(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_10(F, __VA_ARGS__)
#define TROUPE_EACH_19(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_11(F, __VA_ARGS__)
#define TROUPE_EACH_20(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_12(F, __VA_ARGS__)
#define TROUPE_EACH_21(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_13(F, __VA_ARGS__)
#define TROUPE_EACH_22(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_14(F, __VA_ARGS__)
#define TROUPE_EACH_23(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_15(F, __VA_ARGS__)
#define TROUPE_EACH_24(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_16(F, __VA_ARGS__)
#define TROUPE_EACH_25(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_17(F, __VA_ARGS__)
#define TROUPE_EACH_26(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_18(F, __VA_ARGS__)
#define TROUPE_EACH_27(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_19(F, __VA_ARGS__)
#define TROUPE_EACH_28(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_20(F, __VA_ARGS__)
#define TROUPE_EACH_29(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_21(F, __VA_ARGS__)
#define TROUPE_EACH_30(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_22(F, __VA_ARGS__)
#define TROUPE_EACH_31(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_23(F, __VA_ARGS__)
#define TROUPE_EACH_32(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_24(F, __VA_ARGS__)
#define TROUPE_EACH_33(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_25(F, __VA_ARGS__)
#define TROUPE_EACH_34(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_26(F, __VA_ARGS__)
#define TROUPE_EACH_35(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_27(F, __VA_ARGS__)
#define TROUPE_EACH_36(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_28(F, __VA_ARGS__)
#define TROUPE_EACH_37(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_29(F, __VA_ARGS__)
#define TROUPE_EACH_38(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_30(F, __VA_ARGS__)
#define TROUPE_EACH_39(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_31(F, __VA_ARGS__)
#define TROUPE_EACH_40(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_32(F, __VA_ARGS__)
#define TROUPE_EACH_41(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_33(F, __VA_ARGS__)
#define TROUPE_EACH_42(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_34(F, __VA_ARGS__)
#define TROUPE_EACH_43(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_35(F, __VA_ARGS__)
#define TROUPE_EACH_44(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_36(F, __VA_ARGS__)
#define TROUPE_EACH_45(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_37(F, __VA_ARGS__)
#define TROUPE_EACH_46(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_38(F, __VA_ARGS__)
#define TROUPE_EACH_47(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_39(F, __VA_ARGS__)
#define TROUPE_EACH_48(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_40(F, __VA_ARGS__)
#define TROUPE_EACH_49(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_41(F, __VA_ARGS__)
#define TROUPE_EACH_50(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_42(F, __VA_ARGS__)
#define TROUPE_EACH_51(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_43(F, __VA_ARGS__)
#define TROUPE_EACH_52(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_44(F, __VA_ARGS__)
#define TROUPE_EACH_53(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_45(F, __VA_ARGS__)
#define TROUPE_EACH_54(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_46(F, __VA_ARGS__)
#define TROUPE_EACH_55(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_47(F, __VA_ARGS__)
#define TROUPE_EACH_56(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_48(F, __VA_ARGS__)
#define TROUPE_EACH_57(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_49(F, __VA_ARGS__)
#define TROUPE_EACH_58(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_50(F, __VA_ARGS__)
#define TROUPE_EACH_59(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_51(F, __VA_ARGS__)
#define TROUPE_EACH_60(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_52(F, __VA_ARGS__)
#define TROUPE_EACH_61(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_53(F, __VA_ARGS__)
#define TROUPE_EACH_62(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_54(F, __VA_ARGS__)
#define TROUPE_EACH_63(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_55(F, __VA_ARGS__)
#define TROUPE_EACH_64(F, a, b, c, d, e, f, g, h, ...) \
  F(a) F(b) F(c) F(d) F(e) F(f) F(g) F(h) TROUPE_EACH_56(F, __VA_ARGS__)
