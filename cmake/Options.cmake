# What every target is compiled with, and how a sanitizer preset changes it.
# Line tables are enough for a backtrace; whole debug information quadruples what is linked.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
add_library(project_options INTERFACE)
target_include_directories(project_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(project_options INTERFACE
  -Wall -Wextra -Werror -Wshadow $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  -Wno-missing-field-initializers)

set(FG_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined | thread | empty")
if(FG_SANITIZE)
  # A sanitizer finds as much at -O1, and is built in half the time.
  add_compile_options(-O1 -fsanitize=${FG_SANITIZE} -fno-omit-frame-pointer)
  # GCC 12 warns falsely of variants and optionals once the sanitizers' code is in between.
  target_compile_options(project_options INTERFACE -Wno-maybe-uninitialized)
  # Boost.Asio's fences: the sanitizer does not see them, and says so.
  if(FG_SANITIZE STREQUAL "thread")
    target_compile_options(project_options INTERFACE -Wno-tsan)
  endif()
  add_link_options(-fsanitize=${FG_SANITIZE})
endif()
option(FG_FUZZ "Build the fuzzers of tests/fuzz (clang)" OFF)
if(FG_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=address,undefined)
endif()
option(FG_COVERAGE "Instrument for gcov" OFF)
if(FG_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
