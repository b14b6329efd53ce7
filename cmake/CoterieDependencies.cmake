# Every outside library in one place. Each is reached through a target of ours, so that the layers
# name what they need and nothing else.
find_package(Threads REQUIRED)

# Header-only where a folder of headers is given, from the installed packages otherwise.
add_library(coterie_text_libraries INTERFACE)  # fmt, nlohmann-json, toml++
add_library(coterie_eigen INTERFACE)
add_library(coterie_cli INTERFACE)
if(COTERIE_HEADER_ONLY_DIR)
  foreach(target coterie_text_libraries coterie_eigen coterie_cli)
    target_include_directories(${target} SYSTEM INTERFACE
                               $<BUILD_INTERFACE:${COTERIE_HEADER_ONLY_DIR}>)
  endforeach()
  target_include_directories(coterie_eigen SYSTEM INTERFACE
                             $<BUILD_INTERFACE:${COTERIE_HEADER_ONLY_DIR}/eigen3>)
  target_compile_definitions(coterie_text_libraries INTERFACE FMT_HEADER_ONLY=1)
else()
  find_package(fmt REQUIRED)
  find_package(nlohmann_json REQUIRED)
  find_package(Eigen3 REQUIRED NO_MODULE)
  target_link_libraries(coterie_text_libraries INTERFACE fmt::fmt nlohmann_json::nlohmann_json)
  target_link_libraries(coterie_eigen INTERFACE Eigen3::Eigen)
  if(COTERIE_DEEP)
    find_package(CLI11 REQUIRED)
    target_link_libraries(coterie_cli INTERFACE CLI11::CLI11)
  endif()
endif()
set_target_properties(coterie_text_libraries PROPERTIES EXPORT_NAME text_libraries)
target_compile_definitions(coterie_eigen INTERFACE EIGEN_DONT_PARALLELIZE=1)  # Threads are ours.
# toml++ is header-only and comes without a CMake package in Debian 12.
target_compile_definitions(coterie_text_libraries INTERFACE TOML_EXCEPTIONS=1)

find_package(ZLIB)

if(COTERIE_IMAGES)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(VIPS REQUIRED IMPORTED_TARGET vips>=8.13)
  find_package(LibArchive REQUIRED)
endif()

if(COTERIE_WEB AND COTERIE_DEEP)
  # The annotator's store and server.
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.37)
  pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib>=0.11)
endif()

if(COTERIE_FAISS)
  find_package(FAISS REQUIRED)
endif()

if(COTERIE_DEEP)
  find_package(Torch REQUIRED)
  include(CoterieTorch)
  include(CoterieProcesses)
endif()
