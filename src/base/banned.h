/* Functions that make no sense beside evidence. Included by the build into every file of ours
 * (-include). */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets atoi atol atof localtime gmtime      \
    strncpy strncat
