# coterie_layer(NAME [DEPENDS layer...] [PUBLIC library...] [PRIVATE library...] [HEADERS library...]
#               [SOURCES file...])
#
# DEPENDS and PUBLIC are seen by who links the layer, PRIVATE is linked but not seen, HEADERS are
# header-only libraries of its sources alone: the installed package does not ask for them.
#
# A layer is the folder src/NAME as the target coterie_NAME. Its headers are seen as
# <coterie/NAME/...> by the targets that link it, and by no others: each layer's include folder is
# a link of its own, so a header of a layer that is not depended on does not exist for the compiler.
function(coterie_layer name)
  cmake_parse_arguments(LAYER "" "" "DEPENDS;PUBLIC;PRIVATE;HEADERS;SOURCES" ${ARGN})
  set(target coterie_${name})
  set(folder ${PROJECT_SOURCE_DIR}/src/${name})
  if(NOT LAYER_SOURCES)
    file(GLOB LAYER_SOURCES CONFIGURE_DEPENDS ${folder}/*.cpp)
  endif()
  if(NOT LAYER_SOURCES)  # A folder of headers alone: an archive needs one object.
    file(WRITE ${PROJECT_BINARY_DIR}/headers_only/${name}.cpp "")
    set(LAYER_SOURCES ${PROJECT_BINARY_DIR}/headers_only/${name}.cpp)
  endif()
  add_library(${target} STATIC ${LAYER_SOURCES})
  add_library(coterie::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})

  set(view ${PROJECT_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${view}/coterie)
  file(CREATE_LINK ${folder} ${view}/coterie/${name} SYMBOLIC)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${view}>
                             $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(${target} PUBLIC cxx_std_20)
  list(TRANSFORM LAYER_DEPENDS PREPEND coterie_)
  list(TRANSFORM LAYER_HEADERS REPLACE "(.+)" "$<BUILD_INTERFACE:\\1>")
  target_link_libraries(${target} PUBLIC ${LAYER_DEPENDS} ${LAYER_PUBLIC}
                        PRIVATE ${LAYER_PRIVATE} ${LAYER_HEADERS})
  coterie_warnings(${target})
  set_property(GLOBAL APPEND PROPERTY COTERIE_LAYERS ${name})
endfunction()

# Compiles the sources of a target some at a time. Each file that includes libtorch costs the compiler
# a quarter of a minute before its first own line, precompiled or not, and those of json and CLI11 some
# seconds: together they pay once. -DCOTERIE_UNITY=OFF compiles file by file. Names in anonymous
# namespaces must differ within a layer.
function(coterie_together target)
  if(COTERIE_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
  endif()
endfunction()

function(coterie_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wno-missing-field-initializers)
  # Instrumented code makes GCC warn of what is not there.
  if(COTERIE_DEVELOPER_MODE AND NOT COTERIE_SANITIZE)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()

# The kernels of these layers are compiled for this processor. Public headers hold no type whose
# layout depends on it.
function(coterie_native target)
  if(COTERIE_NATIVE)
    target_compile_options(${target} PRIVATE -march=native)
  endif()
endfunction()

if(COTERIE_SANITIZE)
  add_compile_options(-fsanitize=${COTERIE_SANITIZE} -fno-omit-frame-pointer)
  if(COTERIE_SANITIZE MATCHES "address.*undefined")
    # What the address sanitizer finds by itself; checking it twice costs a fifth of the build.
    add_compile_options(-fno-sanitize=null,object-size,vptr)
  endif()
  add_link_options(-fsanitize=${COTERIE_SANITIZE})
endif()
