# Tests of every parser of parsers.def, from what lies in its seeds/ folder: golden/PARSER/SEED compares what the parser
# makes of the seed with SEED.expect, torture/PARSER cuts and flips all of them. To write expectations anew, then look
# at the difference: build/dev/tests/golden --write PARSER src/parse/parsers/PARSER/seeds/SEED
if(parsers)
    add_library(harness STATIC harness.c)
    target_include_directories(harness PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(harness PUBLIC cairn_core)
    foreach(driver golden torture)
        add_executable(${driver} ${driver}.c)
        target_link_libraries(${driver} PRIVATE harness)
    endforeach()
endif()

foreach(parser IN LISTS parsers)
    set(folder src/parse/parsers/${parser}/seeds)
    file(GLOB seeds CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/${folder}/*)
    list(FILTER seeds EXCLUDE REGEX "\\.(expect|meta)$")
    foreach(seed IN LISTS seeds)
        get_filename_component(name ${seed} NAME)
        add_test(NAME golden/${parser}/${name} COMMAND golden ${parser} ${seed} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    endforeach()
    # Without seeds this fails: a parser has some.
    add_test(NAME torture/${parser} COMMAND torture ${parser} ${seeds} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(torture/${parser} PROPERTIES TIMEOUT 600)
endforeach()
