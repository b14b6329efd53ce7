# coterie_web_page(TARGET NAME)
#
# Bundles web/src/NAME, whose main.ts or main.tsx imports all the rest, style sheet included, and
# embeds the result in TARGET as coterie_embed does: NAME_js(), NAME_css(), and NAME_html() where
# there is a NAME.html. The bundles lie in web/ of the build folder. In developer mode the types are
# checked first.
include(CoterieEmbed)

set(COTERIE_WEB_DIR ${PROJECT_SOURCE_DIR}/web)
find_program(COTERIE_NODE NAMES node nodejs)
find_program(COTERIE_NPM npm)
mark_as_advanced(COTERIE_NODE COTERIE_NPM)
if(NOT COTERIE_NODE OR NOT COTERIE_NPM)
  message(FATAL_ERROR "COTERIE_WEB=ON needs Node.js (18 or newer) and npm to bundle the pages: install "
                      "them (Debian: apt-get install nodejs npm, or tools/setup.sh), or pass "
                      "-DCOTERIE_WEB=OFF for a program without report and annotator")
endif()
execute_process(COMMAND ${COTERIE_NODE} --version OUTPUT_VARIABLE node_version
                OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REGEX REPLACE "^v" "" node_version "${node_version}")
if(node_version VERSION_LESS 18)
  message(FATAL_ERROR "COTERIE_WEB=ON needs Node.js 18 or newer; ${COTERIE_NODE} is '${node_version}'. "
                      "Pass -DCOTERIE_NODE=PATH of a newer one, or -DCOTERIE_WEB=OFF")
endif()

# The stamp is of this build folder, the packages in web/node_modules are shared by all of them.
set(COTERIE_WEB_PACKAGES ${PROJECT_BINARY_DIR}/web/packages.stamp)
add_custom_command(
  OUTPUT ${COTERIE_WEB_PACKAGES}
  COMMAND ${CMAKE_COMMAND} -D NPM=${COTERIE_NPM} -D FOLDER=${COTERIE_WEB_DIR}
          -D STAMP=${COTERIE_WEB_PACKAGES} -P ${CMAKE_CURRENT_LIST_DIR}/InstallPackages.cmake
  DEPENDS ${COTERIE_WEB_DIR}/package.json ${COTERIE_WEB_DIR}/package-lock.json
          ${CMAKE_CURRENT_LIST_DIR}/InstallPackages.cmake
  COMMENT "Installing the packages of web/"
  VERBATIM)
add_custom_target(coterie_web_packages DEPENDS ${COTERIE_WEB_PACKAGES})

# What the bundles hold of others asks for its licence to come with it.
install(FILES ${COTERIE_WEB_DIR}/node_modules/preact/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR}
        RENAME LICENSE.preact OPTIONAL)

function(coterie_web_page target name)
  set(folder ${COTERIE_WEB_DIR}/src/${name})
  set(built ${PROJECT_BINARY_DIR}/web)
  file(GLOB entry CONFIGURE_DEPENDS ${folder}/main.ts ${folder}/main.tsx)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/* ${COTERIE_WEB_DIR}/src/shared/*)
  set(needed ${sources} ${COTERIE_WEB_PACKAGES} ${COTERIE_WEB_DIR}/tsconfig.json)

  if(COTERIE_DEVELOPER_MODE)
    add_custom_command(
      OUTPUT ${built}/${name}.checked
      COMMAND ${COTERIE_NODE} ${COTERIE_WEB_DIR}/node_modules/typescript/bin/tsc --noEmit -p
              ${COTERIE_WEB_DIR}
      COMMAND ${CMAKE_COMMAND} -E touch ${built}/${name}.checked
      DEPENDS ${needed}
      COMMENT "Checking the types of web/src/${name}"
      VERBATIM)
    list(APPEND needed ${built}/${name}.checked)
  endif()

  add_custom_command(
    OUTPUT ${built}/${name}.js ${built}/${name}.css
    COMMAND ${COTERIE_NODE} ${COTERIE_WEB_DIR}/node_modules/esbuild/bin/esbuild ${entry} --bundle
            --minify --format=iife --target=es2022 --charset=utf8 --legal-comments=inline
            --jsx=automatic --jsx-import-source=preact --log-level=warning
            --outfile=${built}/${name}.js
    DEPENDS ${needed}
    COMMENT "Bundling web/src/${name}"
    VERBATIM)
  coterie_embed(${target} ${built}/${name}.js ${built}/${name}.css)
  if(EXISTS ${folder}/${name}.html)
    coterie_embed(${target} ${folder}/${name}.html)
  endif()
  add_dependencies(${target} coterie_web_packages)
endfunction()
