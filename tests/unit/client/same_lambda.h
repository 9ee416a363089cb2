// Lambdas of one type name in two translation units.
#pragma once

#include "troupe/object_ref.h"

troupe::ObjectRef<int> RunLambdaOfA(int value);
troupe::ObjectRef<int> RunLambdaOfB(int value);
