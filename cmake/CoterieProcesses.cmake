# What carries tensors between processes: COTERIE_PROCESS_BACKENDS holds COTERIE_GLOO and
# COTERIE_NCCL, as far as libtorch was built with them and the headers that its own ask for are
# here. Without either, training takes one process.
include(CheckCXXSourceCompiles)

function(coterie_process_backend name class)
  set(CMAKE_REQUIRED_LIBRARIES coterie::libtorch)
  if(NOT COTERIE_${name})
    unset(COTERIE_${name} CACHE)  # the headers may have been installed since
  endif()
  check_cxx_source_compiles(
    "#ifndef USE_C10D_${name}
     #define USE_C10D_${name}
     #endif
     #include <torch/csrc/distributed/c10d/${class}.hpp>
     int main() {
       auto options = c10d::${class}::Options::create();
       return c10::make_intrusive<c10d::${class}>(c10::intrusive_ptr<c10d::Store>(), 0, 1, options)
                  ->getRank();
     }" COTERIE_${name})
  if(COTERIE_${name})
    set(COTERIE_PROCESS_BACKENDS ${COTERIE_PROCESS_BACKENDS} COTERIE_${name}=1 PARENT_SCOPE)
  endif()
endfunction()

set(COTERIE_PROCESS_BACKENDS "")
coterie_process_backend(GLOO ProcessGroupGloo)
coterie_process_backend(NCCL ProcessGroupNCCL)
