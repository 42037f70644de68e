// What a child started by ChildProcess does on its side. For single-threaded programs.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace fusiongateway {

// Dies with the gateway, gains no privileges, leaves no core. False: the gateway that started us is
// gone already, so nobody would end us.
bool BindToParent(pid_t parent);

// Bounds the address space; without effect under sanitizers, which map terabytes.
void LimitMemory(std::size_t bytes_max);

// All of it over descriptor ChildProcess::kChildFd; false when the other side is gone.
bool ReceiveFromParent(void* data, std::size_t size);
bool SendToParent(const void* data, std::size_t size);

}  // namespace fusiongateway
