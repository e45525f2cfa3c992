/* Functions that make no sense beside evidence. Included by the build into every file of ours
 * (-include). A library whose header names them in macros is included here, before they are gone,
 * where CMakeLists.txt says that a file needs it. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef CN_WITH_LIBTSK
#include <tsk/libtsk.h>
#endif
#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets atoi atol atof localtime gmtime      \
    strncpy strncat
