# FAISS::FAISS: Debian installs it without a CMake package, as an archive that wants BLAS, LAPACK
# and OpenMP.
find_library(FAISS_LIBRARY faiss)
find_path(FAISS_INCLUDE_DIR faiss/IndexFlat.h)
mark_as_advanced(FAISS_LIBRARY FAISS_INCLUDE_DIR)
find_package(LAPACK QUIET)
find_package(OpenMP QUIET COMPONENTS CXX)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  FAISS REQUIRED_VARS FAISS_LIBRARY FAISS_INCLUDE_DIR LAPACK_FOUND OpenMP_CXX_FOUND
  REASON_FAILURE_MESSAGE "install libfaiss-dev or pass -DCOTERIE_FAISS=OFF")
if(FAISS_FOUND AND NOT TARGET FAISS::FAISS)
  add_library(FAISS::FAISS UNKNOWN IMPORTED)
  # For the linker alone: compiled with OpenMP, Eigen would start threads inside ours.
  set_target_properties(FAISS::FAISS PROPERTIES IMPORTED_LOCATION "${FAISS_LIBRARY}"
                        INTERFACE_INCLUDE_DIRECTORIES "${FAISS_INCLUDE_DIR}"
                        INTERFACE_LINK_LIBRARIES "$<LINK_ONLY:LAPACK::LAPACK>;$<LINK_ONLY:OpenMP::OpenMP_CXX>")
endif()
