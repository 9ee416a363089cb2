// Where the daemons of the installation are that a program was built against. Users need none of this: the CMake
// package compiles program_folder.cc into what links Troupe::troupe.
#pragma once

namespace troupe::internal {

// `troupe::Init` looks for the daemons in `folder`, too. Before main(). Returns true, for initialisers.
bool AddProgramFolder(const char* folder);

}  // namespace troupe::internal
