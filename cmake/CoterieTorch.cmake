# coterie::libtorch: libtorch with all it needs as one target, for the build and for who uses the
# installed package. find_package(Torch) comes first.
if(NOT TARGET coterie::libtorch)
  add_library(coterie::libtorch INTERFACE IMPORTED)
  separate_arguments(torch_flags UNIX_COMMAND "${TORCH_CXX_FLAGS}")
  set_target_properties(
    coterie::libtorch PROPERTIES
    INTERFACE_LINK_LIBRARIES "${TORCH_LIBRARIES}"
    INTERFACE_INCLUDE_DIRECTORIES "${TORCH_INCLUDE_DIRS}"
    INTERFACE_COMPILE_OPTIONS "${torch_flags}")
endif()
