# The page is embedded into the program. web.cmake, where there is Node, builds it and says where: CN_WEB_DIST is the folder,
# CN_WEB_STAMP a file that is made anew with it. Without them a notice takes the page's place.
include(${CMAKE_CURRENT_LIST_DIR}/web.cmake OPTIONAL)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(embedded ${CMAKE_BINARY_DIR}/generated/assets_embedded.c)
add_custom_command(OUTPUT ${embedded}
    COMMAND Python3::Interpreter ${CMAKE_SOURCE_DIR}/tools/embed_assets.py ${embedded} ${CN_WEB_DIST}
    DEPENDS ${CMAKE_SOURCE_DIR}/tools/embed_assets.py ${CN_WEB_STAMP}
    VERBATIM)
target_sources(cairn_core PRIVATE ${embedded})
