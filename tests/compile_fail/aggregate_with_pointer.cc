// expect: Troupe: a raw pointer cannot travel
#include "actors.h"

struct Node {
  int value = 0;
  const Node* next = nullptr;
};
void Take(const Node&) {}
void Use() { troupe::Run<&Take>(Node()); }
