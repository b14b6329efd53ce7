# Installs BUILD into a folder of its own, then configures, builds and runs the project in this
# folder against it. Run as: cmake -D BUILD=... -D COMPONENT=shallow|deep -P test.cmake
cmake_minimum_required(VERSION 3.22)

set(scratch ${BUILD}/installed-${COMPONENT})
file(REMOVE_RECURSE ${scratch})

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed (${result}): ${ARGN}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${scratch}/prefix)

# The package may be moved: it names neither the source tree nor the build folder.
get_filename_component(source_tree ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
file(GLOB_RECURSE package_files ${scratch}/prefix/*.cmake)
if(NOT package_files)
  message(FATAL_ERROR "no CMake package was installed")
endif()
foreach(file ${package_files})
  file(READ ${file} text)
  string(FIND "${text}" "${source_tree}" place)
  if(NOT place EQUAL -1)
    message(FATAL_ERROR "${file} names the source tree ${source_tree}")
  endif()
endforeach()
file(RENAME ${scratch}/prefix ${scratch}/moved)

# Where the component is shallow, CMake is not even to look for libtorch.
if(COMPONENT STREQUAL "shallow")
  set(no_torch -DCMAKE_DISABLE_FIND_PACKAGE_Torch=ON)
endif()
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${scratch}/build -DCOMPONENT=${COMPONENT}
    -DCMAKE_PREFIX_PATH=${scratch}/moved -DCMAKE_BUILD_TYPE=Release ${no_torch})
run(${CMAKE_COMMAND} --build ${scratch}/build)
run(${scratch}/build/outside)
message(STATUS "${output}")

run(ldd ${scratch}/build/outside)
if(COMPONENT STREQUAL "shallow" AND output MATCHES "lib(torch|c10)[^\n]*")
  message(FATAL_ERROR "a program of the shallow component loads ${CMAKE_MATCH_0}")
elseif(COMPONENT STREQUAL "deep" AND NOT output MATCHES "libtorch")
  message(FATAL_ERROR "a program of the deep component was expected to load libtorch:\n${output}")
endif()

# A component that does not exist is refused with a sentence.
execute_process(
  COMMAND ${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${scratch}/refused -DCOMPONENT=deeper
          -DCMAKE_PREFIX_PATH=${scratch}/moved
  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
string(REGEX REPLACE "[ \n]+" " " output "${output}")
if(result EQUAL 0 OR NOT output MATCHES "coterie has no component 'deeper' here")
  message(FATAL_ERROR "an unknown component was not refused as expected:\n${output}")
endif()
file(REMOVE_RECURSE ${scratch})
