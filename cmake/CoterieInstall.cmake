# The CMake package: find_package(coterie), then link coterie::shallow, coterie::run, ... Layers
# without libtorch are the component `shallow`, the others `deep`.
if(COTERIE_HEADER_ONLY_DIR)
  return()  # The libraries that the package would name are not installed here.
endif()
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/coterie)

get_property(layers GLOBAL PROPERTY COTERIE_LAYERS)
foreach(layer ${layers})
  if(layer MATCHES "^(core|metrics|shallow)$")
    set(component shallow)
  else()
    set(component deep)
  endif()
  install(TARGETS coterie_${layer} EXPORT coterie_${component}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${layer}/*.h)
  install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/coterie/${layer})
endforeach()
install(TARGETS coterie_text_libraries EXPORT coterie_shallow)

install(EXPORT coterie_shallow NAMESPACE coterie:: FILE coterie-shallow.cmake
        DESTINATION ${package_dir})
set(package_files ${PROJECT_SOURCE_DIR}/cmake/FindFAISS.cmake)
if(COTERIE_DEEP)
  install(EXPORT coterie_deep NAMESPACE coterie:: FILE coterie-deep.cmake
          DESTINATION ${package_dir})
  list(APPEND package_files ${PROJECT_SOURCE_DIR}/cmake/CoterieTorch.cmake)
endif()

configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/coterieConfig.cmake.in ${PROJECT_BINARY_DIR}/coterieConfig.cmake
  INSTALL_DESTINATION ${package_dir}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/coterieConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/coterieConfig.cmake
              ${PROJECT_BINARY_DIR}/coterieConfigVersion.cmake ${package_files}
        DESTINATION ${package_dir})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
