# Builds the page (web/) where Node is there, and says where it is: CN_WEB_DIST and CN_WEB_STAMP, for assets.cmake.
option(CN_WEB "build the page into the program where Node 18 or newer and npm are there" ON)
if(CN_WEB AND NOT CN_FUZZ)
    find_program(NODE_PROGRAM NAMES node nodejs)
    find_program(NPM_PROGRAM npm)
    set(node_version 0)
    if(NODE_PROGRAM AND NPM_PROGRAM)
        execute_process(COMMAND ${NODE_PROGRAM} -p process.versions.node OUTPUT_VARIABLE node_version
            OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    endif()
    if(node_version VERSION_GREATER_EQUAL 18.18)
        set(CN_WEB_DIST ${CMAKE_BINARY_DIR}/web)
        set(CN_WEB_STAMP ${CMAKE_BINARY_DIR}/web.stamp)
        file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS web/src/* web/public/*)
        add_custom_command(OUTPUT ${CN_WEB_STAMP}
            COMMAND ${CMAKE_SOURCE_DIR}/web/build.sh ${CN_WEB_DIST}
            COMMAND ${CMAKE_COMMAND} -E touch ${CN_WEB_STAMP}
            DEPENDS ${web_sources} web/build.sh web/index.html web/package.json web/package-lock.json web/vite.config.ts
                web/svelte.config.js web/tsconfig.json
            COMMENT "Building the page" VERBATIM)
    else()
        message(STATUS "The program is built without its page: that needs Node 18.18 or newer and npm")
    endif()
endif()
