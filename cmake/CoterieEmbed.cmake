# coterie_embed(TARGET file...)
#
# Makes files part of the program: each becomes a function of namespace coterie::embedded that
# returns its bytes as a std::string_view, named after the file with _ for other characters
# (page.html: page_html()). The functions are declared by hand where they are used. A changed file
# is embedded again by the next build.
function(coterie_embed target)
  foreach(file ${ARGN})
    cmake_path(ABSOLUTE_PATH file OUTPUT_VARIABLE source)
    cmake_path(GET file FILENAME name)
    string(MAKE_C_IDENTIFIER ${name} identifier)
    set(output ${PROJECT_BINARY_DIR}/embedded/${target}/${identifier}.cpp)
    add_custom_command(
      OUTPUT ${output}
      COMMAND ${CMAKE_COMMAND} -D SOURCE=${source} -D OUTPUT=${output} -D NAME=${identifier}
              -P ${COTERIE_EMBED_SCRIPT}
      DEPENDS ${source} ${COTERIE_EMBED_SCRIPT}
      COMMENT "Embedding ${name}"
      VERBATIM)
    target_sources(${target} PRIVATE ${output})
  endforeach()
endfunction()

set(COTERIE_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/EmbedFile.cmake)
