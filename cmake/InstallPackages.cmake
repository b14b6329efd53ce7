# Installs the npm packages of FOLDER/package-lock.json into FOLDER/node_modules and touches STAMP.
# Does nothing where they are there, so a build without network works; several builds at a time wait
# for each other. Run by CoterieWeb.cmake.
file(LOCK ${FOLDER}/.packages.lock GUARD PROCESS TIMEOUT 1200)
file(READ ${FOLDER}/package.json manifest)
file(READ ${FOLDER}/package-lock.json lock)
string(SHA256 wanted "${manifest}${lock}")

set(installed "")
set(mark ${FOLDER}/node_modules/.coterie-installed)  # npm ci removes it with all the rest.
if(EXISTS ${mark})
  file(READ ${mark} installed)
endif()
if(NOT installed STREQUAL wanted)
  execute_process(COMMAND ${NPM} ci --no-progress WORKING_DIRECTORY ${FOLDER}
                  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${output}\n`npm ci` in ${FOLDER} failed (${status}). The packages of the pages "
                        "are fetched once, which needs the network: connect (behind a proxy: npm config "
                        "set proxy URL; with a mirror: npm config set registry URL) and build again, "
                        "or configure with -DCOTERIE_WEB=OFF")
  endif()
  file(WRITE ${mark} ${wanted})
endif()
cmake_path(GET STAMP PARENT_PATH stamp_folder)
file(MAKE_DIRECTORY ${stamp_folder})
file(TOUCH ${STAMP})
