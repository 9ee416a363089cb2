// TROUPE_FOR_EACH(F, x1, ..., xn): F(x1) ... F(xn), for n from 0 to 64. More is a static_assert.
#pragma once

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
#define TROUPE_TOO_MANY(F, ...) static_assert(false, "Troupe: TROUPE_ACTOR takes at most 64 methods");
#define TROUPE_EACH_1(F, x) F(x)
#define TROUPE_EACH_2(F, x, ...) F(x) TROUPE_EACH_1(F, __VA_ARGS__)
#define TROUPE_EACH_3(F, x, ...) F(x) TROUPE_EACH_2(F, __VA_ARGS__)
#define TROUPE_EACH_4(F, x, ...) F(x) TROUPE_EACH_3(F, __VA_ARGS__)
#define TROUPE_EACH_5(F, x, ...) F(x) TROUPE_EACH_4(F, __VA_ARGS__)
#define TROUPE_EACH_6(F, x, ...) F(x) TROUPE_EACH_5(F, __VA_ARGS__)
#define TROUPE_EACH_7(F, x, ...) F(x) TROUPE_EACH_6(F, __VA_ARGS__)
#define TROUPE_EACH_8(F, x, ...) F(x) TROUPE_EACH_7(F, __VA_ARGS__)
#define TROUPE_EACH_9(F, x, ...) F(x) TROUPE_EACH_8(F, __VA_ARGS__)
#define TROUPE_EACH_10(F, x, ...) F(x) TROUPE_EACH_9(F, __VA_ARGS__)
#define TROUPE_EACH_11(F, x, ...) F(x) TROUPE_EACH_10(F, __VA_ARGS__)
#define TROUPE_EACH_12(F, x, ...) F(x) TROUPE_EACH_11(F, __VA_ARGS__)
#define TROUPE_EACH_13(F, x, ...) F(x) TROUPE_EACH_12(F, __VA_ARGS__)
#define TROUPE_EACH_14(F, x, ...) F(x) TROUPE_EACH_13(F, __VA_ARGS__)
#define TROUPE_EACH_15(F, x, ...) F(x) TROUPE_EACH_14(F, __VA_ARGS__)
#define TROUPE_EACH_16(F, x, ...) F(x) TROUPE_EACH_15(F, __VA_ARGS__)
#define TROUPE_EACH_17(F, x, ...) F(x) TROUPE_EACH_16(F, __VA_ARGS__)
#define TROUPE_EACH_18(F, x, ...) F(x) TROUPE_EACH_17(F, __VA_ARGS__)
#define TROUPE_EACH_19(F, x, ...) F(x) TROUPE_EACH_18(F, __VA_ARGS__)
#define TROUPE_EACH_20(F, x, ...) F(x) TROUPE_EACH_19(F, __VA_ARGS__)
#define TROUPE_EACH_21(F, x, ...) F(x) TROUPE_EACH_20(F, __VA_ARGS__)
#define TROUPE_EACH_22(F, x, ...) F(x) TROUPE_EACH_21(F, __VA_ARGS__)
#define TROUPE_EACH_23(F, x, ...) F(x) TROUPE_EACH_22(F, __VA_ARGS__)
#define TROUPE_EACH_24(F, x, ...) F(x) TROUPE_EACH_23(F, __VA_ARGS__)
#define TROUPE_EACH_25(F, x, ...) F(x) TROUPE_EACH_24(F, __VA_ARGS__)
#define TROUPE_EACH_26(F, x, ...) F(x) TROUPE_EACH_25(F, __VA_ARGS__)
#define TROUPE_EACH_27(F, x, ...) F(x) TROUPE_EACH_26(F, __VA_ARGS__)
#define TROUPE_EACH_28(F, x, ...) F(x) TROUPE_EACH_27(F, __VA_ARGS__)
#define TROUPE_EACH_29(F, x, ...) F(x) TROUPE_EACH_28(F, __VA_ARGS__)
#define TROUPE_EACH_30(F, x, ...) F(x) TROUPE_EACH_29(F, __VA_ARGS__)
#define TROUPE_EACH_31(F, x, ...) F(x) TROUPE_EACH_30(F, __VA_ARGS__)
#define TROUPE_EACH_32(F, x, ...) F(x) TROUPE_EACH_31(F, __VA_ARGS__)
#define TROUPE_EACH_33(F, x, ...) F(x) TROUPE_EACH_32(F, __VA_ARGS__)
#define TROUPE_EACH_34(F, x, ...) F(x) TROUPE_EACH_33(F, __VA_ARGS__)
#define TROUPE_EACH_35(F, x, ...) F(x) TROUPE_EACH_34(F, __VA_ARGS__)
#define TROUPE_EACH_36(F, x, ...) F(x) TROUPE_EACH_35(F, __VA_ARGS__)
#define TROUPE_EACH_37(F, x, ...) F(x) TROUPE_EACH_36(F, __VA_ARGS__)
#define TROUPE_EACH_38(F, x, ...) F(x) TROUPE_EACH_37(F, __VA_ARGS__)
#define TROUPE_EACH_39(F, x, ...) F(x) TROUPE_EACH_38(F, __VA_ARGS__)
#define TROUPE_EACH_40(F, x, ...) F(x) TROUPE_EACH_39(F, __VA_ARGS__)
#define TROUPE_EACH_41(F, x, ...) F(x) TROUPE_EACH_40(F, __VA_ARGS__)
#define TROUPE_EACH_42(F, x, ...) F(x) TROUPE_EACH_41(F, __VA_ARGS__)
#define TROUPE_EACH_43(F, x, ...) F(x) TROUPE_EACH_42(F, __VA_ARGS__)
#define TROUPE_EACH_44(F, x, ...) F(x) TROUPE_EACH_43(F, __VA_ARGS__)
#define TROUPE_EACH_45(F, x, ...) F(x) TROUPE_EACH_44(F, __VA_ARGS__)
#define TROUPE_EACH_46(F, x, ...) F(x) TROUPE_EACH_45(F, __VA_ARGS__)
#define TROUPE_EACH_47(F, x, ...) F(x) TROUPE_EACH_46(F, __VA_ARGS__)
#define TROUPE_EACH_48(F, x, ...) F(x) TROUPE_EACH_47(F, __VA_ARGS__)
#define TROUPE_EACH_49(F, x, ...) F(x) TROUPE_EACH_48(F, __VA_ARGS__)
#define TROUPE_EACH_50(F, x, ...) F(x) TROUPE_EACH_49(F, __VA_ARGS__)
#define TROUPE_EACH_51(F, x, ...) F(x) TROUPE_EACH_50(F, __VA_ARGS__)
#define TROUPE_EACH_52(F, x, ...) F(x) TROUPE_EACH_51(F, __VA_ARGS__)
#define TROUPE_EACH_53(F, x, ...) F(x) TROUPE_EACH_52(F, __VA_ARGS__)
#define TROUPE_EACH_54(F, x, ...) F(x) TROUPE_EACH_53(F, __VA_ARGS__)
#define TROUPE_EACH_55(F, x, ...) F(x) TROUPE_EACH_54(F, __VA_ARGS__)
#define TROUPE_EACH_56(F, x, ...) F(x) TROUPE_EACH_55(F, __VA_ARGS__)
#define TROUPE_EACH_57(F, x, ...) F(x) TROUPE_EACH_56(F, __VA_ARGS__)
#define TROUPE_EACH_58(F, x, ...) F(x) TROUPE_EACH_57(F, __VA_ARGS__)
#define TROUPE_EACH_59(F, x, ...) F(x) TROUPE_EACH_58(F, __VA_ARGS__)
#define TROUPE_EACH_60(F, x, ...) F(x) TROUPE_EACH_59(F, __VA_ARGS__)
#define TROUPE_EACH_61(F, x, ...) F(x) TROUPE_EACH_60(F, __VA_ARGS__)
#define TROUPE_EACH_62(F, x, ...) F(x) TROUPE_EACH_61(F, __VA_ARGS__)
#define TROUPE_EACH_63(F, x, ...) F(x) TROUPE_EACH_62(F, __VA_ARGS__)
#define TROUPE_EACH_64(F, x, ...) F(x) TROUPE_EACH_63(F, __VA_ARGS__)
