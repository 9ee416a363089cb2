// expect: Troupe: TROUPE_ACTOR lists M64, which is no public method of the class
// lines: 85
#include "actors.h"

class Wide {
 public:
  void M1() {}
  void M2() {}
  void M3() {}
  void M4() {}
  void M5() {}
  void M6() {}
  void M7() {}
  void M8() {}
  void M9() {}
  void M10() {}
  void M11() {}
  void M12() {}
  void M13() {}
  void M14() {}
  void M15() {}
  void M16() {}
  void M17() {}
  void M18() {}
  void M19() {}
  void M20() {}
  void M21() {}
  void M22() {}
  void M23() {}
  void M24() {}
  void M25() {}
  void M26() {}
  void M27() {}
  void M28() {}
  void M29() {}
  void M30() {}
  void M31() {}
  void M32() {}
  void M33() {}
  void M34() {}
  void M35() {}
  void M36() {}
  void M37() {}
  void M38() {}
  void M39() {}
  void M40() {}
  void M41() {}
  void M42() {}
  void M43() {}
  void M44() {}
  void M45() {}
  void M46() {}
  void M47() {}
  void M48() {}
  void M49() {}
  void M50() {}
  void M51() {}
  void M52() {}
  void M53() {}
  void M54() {}
  void M55() {}
  void M56() {}
  void M57() {}
  void M58() {}
  void M59() {}
  void M60() {}
  void M61() {}
  void M62() {}
  void M63() {}
};
TROUPE_ACTOR(Wide, M1, M2, M3, M4, M5, M6, M7, M8, M9, M10, M11, M12, M13, M14, M15, M16, M17, M18, M19, M20, M21, M22,
             M23, M24, M25, M26, M27, M28, M29, M30, M31, M32, M33, M34, M35, M36, M37, M38, M39, M40, M41, M42, M43,
             M44, M45, M46, M47, M48, M49, M50, M51, M52, M53, M54, M55, M56, M57, M58, M59, M60, M61, M62, M63, M64);
